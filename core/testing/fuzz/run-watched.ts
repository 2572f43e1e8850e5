import { runThread } from '../watched-thread.js';
import type { RunResult } from './run-target.js';
import type { FuzzTarget } from './target.js';

/** An input that takes so long hangs. */
const HANG_MS = 20_000;
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
export async function runWatched({ name }: FuzzTarget, options: WatchedOptions): Promise<RunResult> {
  // Loading everything takes its time, too, and is not the first input's.
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(options.from - 1);
  const order: WorkerOrder = { ...options, target: name, progress };
  const begunMs = performance.now();
  const end = await runThread<never, RunResult>({
    module: new URL('./worker.js', import.meta.url),
    order,
    progress,
    hangMs: HANG_MS,
    heapMib: HEAP_MIB,
  });
  return 'answer' in end ? end.answer : failed(order, performance.now() - begunMs, end.why);
}

function failed({ target, seed, from, progress }: WorkerOrder, tookMs: number, why: string): RunResult {
  const number = Math.max(from, Atomics.load(progress, 0));
  const counts = {
    inputs: number - from,
    cases: number - from,
    verdicts: { read: 0, refused: 0 },
    tookMs,
    allocatedBytesMax: 0,
  };
  return { target, ...counts, failure: { target, seed, number, origin: 'mutated', hex: '', why } };
}
