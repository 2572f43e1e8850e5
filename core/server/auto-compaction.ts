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

const MINUTE_MS = 60_000;
/** How often the history is compacted where a number of revisions is kept (etcd: the same). */
const REVISION_CHECK_MS = 5 * MINUTE_MS;
/** The longest between two compactions where a period is kept (etcd: the same). */
const INTERVAL_MAX_MS = 60 * MINUTE_MS;
/** Between two compactions so many samples are taken; one that failed is tried again with the next. */
const SAMPLES = 10;

/**
 * Compacts the history again and again, as often as etcd does: all of it but a number of revisions, every 5 minutes; or all
 * that is older than a period, once a period, and once an hour where that is longer. Every member keeps its samples; only
 * the leader acts, so that the cluster is compacted once. What was compacted is compacted for everybody: a watcher or reader
 * that still needs it is told so.
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
    if (revision <= compacted || member.leader !== member.memberId) return;
    try {
      await member.compact(revision, false);
      logger.info({ revision }, 'the history is compacted');
    } catch (error) {
      // Whatever it was, the next round tries again; but if somebody was faster there is nothing left to do.
      if (!hasCode(error, 'COMPACTED')) {
        logger.warn({ revision, error }, 'the history could not be compacted');
        return;
      }
    }
    compacted = Math.max(compacted, revision);
    target.done();
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

/** What is kept. It is asked again and again, after as many milliseconds each time. */
interface Target {
  readonly everyMs: number;
  /** Up to which revision the history may go now; 0 if nothing may. */
  next(): number;
  /** That has gone. */
  done(): void;
}

function keepRevisions(member: Compactable, retention: number): Target {
  if (!Number.isSafeInteger(retention) || retention < 1) {
    throw new InvalidArgumentError('autoCompaction.retention', retention, 'a whole number of revisions, 1 or more');
  }
  return { everyMs: REVISION_CHECK_MS, next: () => Math.max(0, member.revision - retention), done: () => undefined };
}

function keepPeriod(member: Compactable, retention: Duration): Target {
  const periodMs = toMilliseconds(retention, 'autoCompaction.retention');
  if (periodMs <= 0) throw new InvalidArgumentError('autoCompaction.retention', retention, 'a time above 0');
  const intervalMs = Math.min(periodMs, INTERVAL_MAX_MS);
  const everyMs = intervalMs / SAMPLES;
  const kept = Math.ceil(periodMs / everyMs);
  const samples = [member.revision];
  /** How often a sample was taken since the last compaction; that a whole period has passed is said by their number. */
  let sinceLast = SAMPLES;
  return {
    everyMs,
    next() {
      samples.push(member.revision);
      sinceLast += 1;
      if (samples.length <= kept) return 0;
      const revision = samples.shift() as number;
      return sinceLast >= SAMPLES ? revision : 0;
    },
    done() {
      sinceLast = 0;
    },
  };
}
