import { runThread } from '../watched-thread.js';
import type { Place } from './run-scenario.js';
import type { Finding, ScenarioReport, SearchOrder } from './search.js';

/** Real time in which the event loop of the search must come round once: much more than any one turn takes. */
const HANG_MS = 30_000;

/** What the thread is told. The first number of `progress` changes with the turns of its event loop. */
export interface WorkerOrder {
  readonly order: SearchOrder;
  readonly progress: Int32Array;
}

/** What the thread tells. */
export type Told = { readonly place: Place } | { readonly report: ScenarioReport };

export interface WatchOptions {
  readonly onReport: (report: ScenarioReport) => void;
  /** See {@link HANG_MS}. */
  readonly hangMs?: number;
  /** What the thread runs. Default: `worker.ts`. */
  readonly module?: URL;
}

/**
 * Searches in a thread of its own. A member that goes round in circles without ever giving others their turn cannot be
 * stopped, or even be noticed, in its own.
 *
 * @returns the case that hangs, if one does; the search ends with it
 * @throws {@link Error} if the search itself breaks down
 */
export async function watchedSearch(order: SearchOrder, options: WatchOptions): Promise<Finding | undefined> {
  const { onReport, hangMs = HANG_MS, module = new URL('./worker.js', import.meta.url) } = options;
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const workerOrder: WorkerOrder = { order, progress };
  let place: Place | undefined;
  const onTold = (told: Told) => {
    if ('report' in told) onReport(told.report);
    else place = told.place;
  };
  const end = await runThread<Told, string>({ module, order: workerOrder, progress, hangMs, onTold });
  if ('answer' in end) return undefined;
  if (place === undefined || !end.hangs) throw new Error(end.why);
  return { place, why: `it does not end: nothing else had its turn for ${hangMs} ms` };
}
