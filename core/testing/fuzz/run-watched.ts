import { Worker } from 'node:worker_threads';
import type { RunResult } from './run-target.js';
import type { FuzzTarget } from './target.js';

/** An input that takes so long hangs. */
const HANG_MS = 20_000;
const LOOK_MS = 500;
/** The heap of the thread in which inputs are tried: what needs more of it for one input has no bound. */
const HEAP_MIB = 512;

/** What the thread is told. `progress` has the number of the input at hand. */
export interface WorkerOrder {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly inputs: number;
  readonly forMs: number;
  readonly progress: Int32Array;
}

export type WatchedOptions = Omit<WorkerOrder, 'target' | 'progress'>;

/** Tries a target in a thread of its own, which may hang, run out of memory or end: then that is the failure. */
export function runWatched({ name }: FuzzTarget, options: WatchedOptions): Promise<RunResult> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const order: WorkerOrder = { ...options, target: name, progress };
  const begunMs = performance.now();
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  return new Promise((resolve) => {
    let seen = { number: -1, sinceMs: begunMs };
    const fail = (why: string) => settle(failed(order, performance.now() - begunMs, why));
    const look = setInterval(() => {
      const number = Atomics.load(progress, 0);
      const nowMs = performance.now();
      if (number !== seen.number) seen = { number, sinceMs: nowMs };
      else if (nowMs - seen.sinceMs > HANG_MS) fail(`it hangs: ${HANG_MS} ms have passed`);
    }, LOOK_MS);
    let isSettled = false;
    const settle = (result: RunResult) => {
      if (isSettled) return;
      isSettled = true;
      clearInterval(look);
      void worker.terminate().then(() => resolve(result));
    };
    worker.on('message', settle);
    worker.on('error', (error) => fail(`it brought its thread down: ${error.stack ?? error.message}`));
    worker.on('exit', (code) => fail(`it ended its thread with ${code}`));
  });
}

function failed({ target, seed, from, progress }: WorkerOrder, tookMs: number, why: string): RunResult {
  const number = Atomics.load(progress, 0);
  const counts = { inputs: number - from, verdicts: { read: 0, refused: 0 }, tookMs, allocatedBytesMax: 0 };
  return { target, ...counts, failure: { target, seed, number, origin: 'mutated', hex: '', why } };
}
