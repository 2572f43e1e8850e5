import type { Sample } from './families.js';

/** How checks of health came out. */
export class HealthCounts {
  passedCount = 0;
  failedCount = 0;
  readonly #checks = new Map<string, { type: string; name: string; passed: number; failed: number; last: boolean }>();

  /** `/health` was answered. */
  readonly health = (isHealthy: boolean): void => {
    if (isHealthy) this.passedCount += 1;
    else this.failedCount += 1;
  };

  /** One check of `/livez` or `/readyz` was made. */
  readonly check = (type: string, name: string, isPassed: boolean): void => {
    const key = `${type}/${name}`;
    const counts = this.#checks.get(key) ?? { type, name, passed: 0, failed: 0, last: isPassed };
    this.#checks.set(key, counts);
    counts.last = isPassed;
    if (isPassed) counts.passed += 1;
    else counts.failed += 1;
  };

  /** How each check came out last. */
  *last(): Generator<Sample> {
    for (const { type, name, last } of this.#checks.values()) yield [{ type, name }, Number(last)];
  }

  /** How often each check came out how. */
  *all(): Generator<Sample> {
    for (const { type, name, passed, failed } of this.#checks.values()) {
      if (passed > 0) yield [{ type, name, status: 'success' }, passed];
      if (failed > 0) yield [{ type, name, status: 'error' }, failed];
    }
  }
}
