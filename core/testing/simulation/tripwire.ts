/** What would let a world depend on something else than its seed. */
const FORBIDDEN = ['setTimeout', 'setInterval', 'setImmediate'] as const;

interface Exception {
  readonly name: AllowedGlobal;
  /** A part of the path of the file that calls. */
  readonly by: string;
}

/** Who may use one all the same: packages for whom nothing comes of it. */
const EXCEPTIONS: readonly Exception[] = [
  // It measures how long it has been trying, and compares that with a limit which is infinite here.
  { name: 'performance.now', by: '/node_modules/p-retry/' },
];

/** A global that may be used although it bypasses the seams, and why it does no harm. */
export type AllowedGlobal = (typeof FORBIDDEN)[number] | 'Math.random' | 'performance.now' | 'Date.now';

/**
 * Makes the globals throw that bypass a world's clock and chance, for as long as it is armed. `new Date()` is wall time,
 * which decides nothing and is for display alone: in a world it tells the world's own.
 */
export class Tripwire {
  readonly #allowed: ReadonlySet<AllowedGlobal>;
  readonly #wallMs: () => number;
  readonly #onBypass: (what: string) => void;
  #restores: (() => void)[] = [];

  /**
   * @param wallMs - the world's wall time
   * @param onBypass - told which global was used, before the call throws: somebody may catch that
   */
  constructor(allowed: Iterable<AllowedGlobal>, wallMs: () => number, onBypass: (what: string) => void) {
    this.#allowed = new Set(allowed);
    this.#wallMs = wallMs;
    this.#onBypass = onBypass;
  }

  arm(): void {
    for (const name of FORBIDDEN) this.#replace(globalThis, name, name);
    this.#replace(Math, 'random', 'Math.random');
    this.#replace(performance, 'now', 'performance.now');
    this.#replaceDate();
  }

  disarm(): void {
    for (const restore of this.#restores.splice(0).reverse()) restore();
  }

  #replace(owner: object, property: string, name: AllowedGlobal): void {
    if (this.#allowed.has(name)) return;
    const exceptions = EXCEPTIONS.filter((exception) => exception.name === name);
    this.#put(owner, property, () => {
      if (exceptions.length > 0 && isCalledBy(exceptions)) return this.#wallMs();
      this.#onBypass(name);
      throw new Error(`${name} bypasses the simulated world: use the clock and the chance that are passed in`);
    });
  }

  #replaceDate(): void {
    const { Date: RealDate } = globalThis;
    const wallMs = this.#wallMs;
    const WorldDate = class extends RealDate {
      constructor(...parts: []) {
        super(...((parts.length === 0 ? [wallMs()] : parts) as []));
      }
    };
    this.#put(globalThis, 'Date', WorldDate);
    if (this.#allowed.has('Date.now')) return;
    this.#replace(WorldDate, 'now', 'Date.now');
  }

  #put(owner: object, property: string, value: unknown): void {
    const original = Object.getOwnPropertyDescriptor(owner, property);
    Object.defineProperty(owner, property, { value, configurable: true, writable: true, enumerable: false });
    this.#restores.push(() => {
      if (original !== undefined) Object.defineProperty(owner, property, original);
      else Reflect.deleteProperty(owner, property);
    });
  }
}

/** Whether one of those is near the top of the stack, whatever the limit of its depth is set to. */
function isCalledBy(exceptions: readonly Exception[]): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 5;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return exceptions.some(({ by }) => stack.includes(by));
}
