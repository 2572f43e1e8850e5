import { rest } from '../../cluster/workload/surroundings.js';
import type { Workload } from '../../cluster/workload/workload.js';

const BACK_MS = 30_000;

/** So many, for what was under way when something happened may be answered in spite of it. */
const WRITES = 20;

/**
 * Waits until clients are told of some more writes.
 *
 * @throws if nobody is within the time
 */
export async function untilWritten({ progress, verdict }: Workload, withinMs = BACK_MS): Promise<void> {
  const { writeCount } = progress;
  const deadlineMs = performance.now() + withinMs;
  while (verdict.isClean && progress.writeCount < writeCount + WRITES) {
    if (performance.now() > deadlineMs) throw new Error(`nothing was written for ${withinMs} ms`);
    await rest(5, verdict.signal);
  }
}
