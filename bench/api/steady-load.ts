import { setTimeout as delay } from 'node:timers/promises';
import { Samples } from '../measure.js';

const TURN_MS = 5;

/** Calls at a steady rate, whether or not those before have been answered: what waits is measured, too. */
export class SteadyLoad {
  readonly #call: (n: number) => Promise<unknown>;
  readonly #perSecond: number;
  readonly #underWay = new Set<Promise<void>>();
  #times: number[] = [];
  #failures = 0;
  #count = 0;
  #ends = false;
  #running: Promise<void> | undefined;

  constructor(perSecond: number, call: (n: number) => Promise<unknown>) {
    this.#perSecond = perSecond;
    this.#call = call;
  }

  begin(): void {
    this.#running ??= this.#run();
  }

  /** What calls took since this was asked before, in milliseconds. */
  taken(): { readonly times: Samples; readonly failures: number } {
    const taken = { times: new Samples(this.#times), failures: this.#failures };
    this.#times = [];
    this.#failures = 0;
    return taken;
  }

  async end(): Promise<void> {
    this.#ends = true;
    await this.#running;
    await Promise.all(this.#underWay);
  }

  async #run(): Promise<void> {
    const begunMs = performance.now();
    while (!this.#ends) {
      const due = ((performance.now() - begunMs) / 1_000) * this.#perSecond;
      for (; this.#count < due; this.#count += 1) this.#make(begunMs + (this.#count / this.#perSecond) * 1_000);
      await delay(TURN_MS);
    }
  }

  #make(dueMs: number): void {
    const call = this.#call(this.#count).then(
      () => void this.#times.push(performance.now() - dueMs),
      () => void (this.#failures += 1),
    );
    this.#underWay.add(call);
    void call.then(() => this.#underWay.delete(call));
  }
}
