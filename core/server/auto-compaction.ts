import type { Clock, Timer } from '../base/clock.js';
import { type Duration, toMilliseconds } from '../base/duration.js';
import { hasCode, InvalidArgumentError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';

/** How much history to keep (etcd: `--auto-compaction-mode` and `--auto-compaction-retention`). */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly retention: Duration }
  | { readonly mode: 'revision'; readonly retention: number };

/** The member that is compacted. */
export interface Compactable {
  readonly memberId: bigint;
  readonly leader: bigint | undefined;
  readonly revision: number;
  compact(revision: number, physical: boolean): Promise<unknown>;
}

/** How often the revision is looked at where a number of them is kept. */
const REVISION_CHECK_MS = 10_000;
/** A period is cut into so many samples, so that up to a tenth more than asked for is kept. */
const SAMPLES = 10;
const SAMPLE_MAX_MS = 360_000;

/**
 * Compacts the history again and again: all of it but a number of revisions, or all that is older than a period. Every
 * member keeps its samples; only the leader acts, so that the cluster is compacted once. What was compacted is compacted
 * for everybody: a watcher or reader that still needs it is told so.
 *
 * @throws {@link InvalidArgumentError} if the retention is not above 0
 * @returns a function that ends it
 */
export function compactAutomatically(
  member: Compactable,
  { mode, retention }: AutoCompaction,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): () => void {
  const target = mode === 'revision' ? keepRevisions(member, retention) : keepPeriod(member, retention);
  let compacted = 0;
  let timer: Timer;
  const check = async (): Promise<void> => {
    const revision = target.next();
    const isDue = revision > compacted && member.leader === member.memberId;
    if (isDue) {
      try {
        await member.compact(revision, false);
        logger.info({ revision }, 'the history is compacted');
      } catch (error) {
        // Somebody was faster, or another member leads by now; the next round tells.
        if (!hasCode(error, 'COMPACTED')) logger.warn({ revision, error }, 'the history could not be compacted');
      }
    }
    compacted = Math.max(compacted, isDue ? revision : 0);
  };
  const schedule = () => {
    timer = clock.after(target.everyMs, () => {
      schedule();
      void check();
    });
  };
  schedule();
  return () => timer.cancel();
}

interface Target {
  readonly everyMs: number;
  /** Up to which revision the history may go now; 0 if nothing may. */
  next(): number;
}

function keepRevisions(member: Compactable, retention: number): Target {
  if (!Number.isSafeInteger(retention) || retention < 1) {
    throw new InvalidArgumentError('autoCompaction.retention', retention, 'a whole number of revisions, 1 or more');
  }
  return { everyMs: REVISION_CHECK_MS, next: () => Math.max(0, member.revision - retention) };
}

function keepPeriod(member: Compactable, retention: Duration): Target {
  const periodMs = toMilliseconds(retention, 'autoCompaction.retention');
  if (periodMs <= 0) throw new InvalidArgumentError('autoCompaction.retention', retention, 'a time above 0');
  const everyMs = Math.min(periodMs / SAMPLES, SAMPLE_MAX_MS);
  const samples: number[] = [];
  const kept = Math.ceil(periodMs / everyMs);
  return {
    everyMs,
    next() {
      samples.push(member.revision);
      return samples.length > kept ? (samples.shift() as number) : 0;
    },
  };
}
