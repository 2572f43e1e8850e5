import type { Scheduler } from './scheduler.js';
import type { Tripwire } from './tripwire.js';

/** Node's own; the global throws while a world runs. */
const { setImmediate } = globalThis;

/** Turns that Node has in its queue at a time: those of one batch cost a tenth of what single ones would. */
const BATCH = 32;

export interface EventLoopParts {
  readonly scheduler: Scheduler;
  readonly tripwire: Tripwire;
  /** Called once everything has run that an event set off. */
  readonly afterEvent: (lane: number) => void;
  /** Something was thrown that nobody caught: in Node, the end of the process. */
  readonly onUncaught: (error: unknown) => void;
}

interface Run {
  readonly fail: (error: Error) => void;
}

/**
 * Turns a world: one event, then everything that it set off, microtasks and ticks alike, to its end, then the checks.
 * That Node calls each `setImmediate` callback only after it has emptied those queues is what "to its end" rests on.
 */
export class EventLoop {
  readonly #parts: EventLoopParts;
  #run: Run | undefined;
  /** The lane of the event whose consequences have just run. */
  #lastLane: number | undefined;

  constructor(parts: EventLoopParts) {
    this.#parts = parts;
  }

  get isTurning(): boolean {
    return this.#run !== undefined;
  }

  run<T>(body: () => Promise<T>): Promise<T> {
    if (this.#run !== undefined) throw new Error('the world is being turned already');
    return new Promise((resolve, reject) => {
      const run = {
        fail: (error: Error) => {
          stop();
          reject(error);
        },
      };
      this.#run = run;
      const stop = this.#start(run);
      body().then((result) => {
        stop();
        resolve(result);
      }, run.fail);
      for (let i = 0; i < BATCH; i += 1) setImmediate(this.#turn);
    });
  }

  /** Ends the run, if one is under way, with an error. */
  fail(error: Error): void {
    this.#run?.fail(error);
  }

  /** @returns ends the run */
  #start(run: Run): () => void {
    const { tripwire, onUncaught } = this.#parts;
    const onError = (error: unknown) => {
      if (this.#run === run) onUncaught(error);
    };
    tripwire.arm();
    process.on('unhandledRejection', onError);
    process.on('uncaughtException', onError);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#run = undefined;
      tripwire.disarm();
      // One thing that goes wrong seldom comes alone: what else the last event led to is told right behind it.
      setImmediate(() => {
        process.off('unhandledRejection', onError);
        process.off('uncaughtException', onError);
      });
    };
  }

  readonly #turn = (): void => {
    if (this.#run === undefined) return;
    try {
      this.#step();
    } catch (error) {
      this.#parts.onUncaught(error);
    }
    if (this.#run !== undefined) setImmediate(this.#turn);
  };

  #step(): void {
    const { scheduler, afterEvent } = this.#parts;
    const lane = this.#lastLane;
    this.#lastLane = undefined;
    if (lane !== undefined) afterEvent(lane);
    // Whoever waited goes on before the next event.
    if (this.#run === undefined || scheduler.settleGoals()) return;
    this.#lastLane = scheduler.step();
    if (this.#lastLane === undefined) this.#run.fail(new Error('nothing is left to happen, and the run has not ended'));
  }
}
