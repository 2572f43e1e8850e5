import { test as plainTest } from '@jest/globals';

const TIMEOUT_MS = 60_000;

/** How a suite on a store to which things happen tells a test that was hit by one from a test that found a mistake. */
export interface Disturbance {
  /** A test is tried so often, at most. */
  readonly attemptsMax: number;
  /** Asked after a failed attempt: whether, since it was asked last, a call failed because of what happens to the store. */
  wasHit(): boolean;
}

let current: Disturbance | undefined;

/** Whatever tests are defined meanwhile are tried again if, and only if, the store was hit while they ran. */
export function disturbed(disturbance: Disturbance, define: () => void): void {
  current = disturbance;
  try {
    define();
  } finally {
    current = undefined;
  }
}

/** As Jest's `test`; see {@link disturbed}. */
export function test(name: string, work: () => Promise<unknown>): void {
  plainTest(name, patient(work), current && TIMEOUT_MS);
}

/** A row as the arguments of a function, which cannot be called with something that is readonly. */
type Arguments<Row> = Row extends readonly unknown[] ? { -readonly [At in keyof Row]: Row[At] } : never;

/** As Jest's `test.each`, with a tuple for each test. */
test.each =
  <Row extends readonly unknown[]>(rows: readonly Row[]) =>
  (name: string, work: (...row: Arguments<Row>) => Promise<unknown>): void =>
    plainTest.each(rows as never)(name, patient(work as () => unknown), current && TIMEOUT_MS);

function patient<Row extends readonly unknown[]>(work: (...row: Row) => unknown): (...row: Row) => Promise<void> {
  const disturbance = current;
  return async (...row) => {
    disturbance?.wasHit();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await work(...row);
        return;
      } catch (error) {
        if (!disturbance?.wasHit() || attempt === disturbance.attemptsMax) throw error;
      }
    }
  };
}
