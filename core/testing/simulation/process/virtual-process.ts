import type { Logger } from '../../../base/logger.js';
import type { Origin } from '../../../base/origin.js';
import { between, type Prng } from '../../../base/prng.js';
import type { Fields } from '../trace.js';
import type { World } from '../world.js';
import { type ClockHome, VirtualClock } from './virtual-clock.js';

/** Clocks begin somewhere in the first day of a machine. */
const CLOCK_START_MAX_MS = 86_400_000;

/** One run of a process, from its start to its end. What it still had under way when it ended comes to nothing. */
export class Life implements ClockHome {
  readonly scheduler;
  readonly lane: number;
  readonly clock: VirtualClock;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  #resolveEnded!: () => void;
  #isAlive = true;
  readonly #process: VirtualProcess;

  /** For {@link VirtualProcess}. */
  constructor(process: VirtualProcess, startMs: number, rate: number) {
    this.#process = process;
    this.scheduler = process.world.scheduler;
    this.lane = process.lane;
    this.clock = new VirtualClock(this, { startMs, rate });
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get process(): VirtualProcess {
    return this.#process;
  }

  /** Lets something happen in the process: at once, once it goes on if it is paused, never if it has ended. */
  enter(callback: () => void, isTimer = false): void {
    if (!this.#isAlive) return;
    if (this.#process.isPaused) this.#process.hold(callback, isTimer);
    else callback();
  }

  /** The same, some of the world's milliseconds from now: a disk that has done what was asked of it. */
  enterAfter(delayMs: number, callback: () => void): void {
    const { scheduler } = this;
    scheduler.schedule(scheduler.nowUs + Math.ceil(delayMs * 1_000), this.lane, () => this.enter(callback));
  }

  felt(kind: string): void {
    this.#process.world.effects.count(kind);
  }

  /** For {@link VirtualProcess}. */
  end(): void {
    this.#isAlive = false;
    this.clock.stop();
    this.#resolveEnded();
  }
}

/**
 * A process in a world: a clock, chance, and one door through which everything enters it. While it is paused everything
 * waits at that door, as at SIGSTOP or while the event loop is blocked; once it has ended, nothing enters.
 */
export class VirtualProcess {
  readonly name: string;
  readonly world: World;
  /** Its number in the world: members and clients from 1, in the order in which they were added. */
  readonly lane: number;
  readonly prng: Prng;
  /** Whether its machine has power. Without, nothing answers there, not even with a refusal. */
  isPowered = true;
  #rate = 1;
  #life: Life | undefined;
  #clock: VirtualClock | undefined;
  #isPaused = false;
  #wasMissed = false;
  #heldTimers: (() => void)[] = [];
  #heldArrivals: (() => void)[] = [];

  constructor(world: World, name: string, lane: number) {
    this.world = world;
    this.name = name;
    this.lane = lane;
    this.prng = world.chance(`process ${name}`);
  }

  /** The clock of its present run, or of the last one. */
  get clock(): VirtualClock {
    if (this.#clock === undefined) throw new Error(`${this.name} has never run`);
    return this.#clock;
  }

  /** How many of its milliseconds pass in one of the world's; a property of the machine, so that restarts keep it. */
  get clockRate(): number {
    return this.#clock?.rate ?? this.#rate;
  }

  set clockRate(rate: number) {
    this.#rate = rate;
    if (this.#clock !== undefined) this.#clock.rate = rate;
  }

  /** The present run. */
  get life(): Life | undefined {
    return this.#life;
  }

  get isRunning(): boolean {
    return this.#life !== undefined;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Nothing happens in it until {@link resume}. Its machine goes on: what is sent to it is received, and waits. */
  pause(): void {
    if (this.#isPaused || this.#life === undefined) return;
    this.#isPaused = true;
    this.#wasMissed = false;
    this.world.trace.note('is paused', this.name);
  }

  /** Lets everything happen that waited: timers first, then what arrived, as an event loop does. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.world.trace.note('goes on', this.name, this.#heldTimers.length + this.#heldArrivals.length);
    const held = [...this.#heldTimers.splice(0), ...this.#heldArrivals.splice(0)];
    const life = this.#life;
    const { scheduler } = this.world;
    for (const callback of held) scheduler.schedule(scheduler.nowUs, this.lane, () => life?.enter(callback));
  }

  /** For {@link Life}: something came while it was paused. */
  hold(callback: () => void, isTimer: boolean): void {
    if (!this.#wasMissed) this.world.effects.count('pause');
    this.#wasMissed = true;
    (isTimer ? this.#heldTimers : this.#heldArrivals).push(callback);
  }

  /** What it logs: the world remembers each distinct message as a path that was reached. */
  get logger(): Logger {
    const { trace, reached } = this.world;
    const note = (fields: object, message: string) => {
      trace.note(message, this.name, fields as Fields);
      reached.note(message);
    };
    return { debug: note, info: note, warn: note, error: note };
  }

  /** As whom it writes. */
  get origin(): Origin {
    const { name, lane, world } = this;
    return { host: name, pid: lane, wallTime: () => new Date(world.wallMs).toISOString() };
  }

  /** A new run begins. */
  protected begin(): Life {
    if (this.#life !== undefined) throw new Error(`${this.name} runs already`);
    const startMs = between(this.prng, 0, CLOCK_START_MAX_MS);
    this.#life = new Life(this, startMs, this.clockRate);
    this.#clock = this.#life.clock;
    this.isPowered = true;
    this.#isPaused = false;
    return this.#life;
  }

  /** The present run has ended: nothing of it happens any more. */
  protected end(): void {
    this.#life?.end();
    this.#life = undefined;
    this.#isPaused = false;
    this.#heldTimers = [];
    this.#heldArrivals = [];
  }
}
