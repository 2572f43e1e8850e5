/**
 * How a log goes on after a snapshot, and how one that a snapshot has overtaken is told from one that is damaged:
 *
 * ```
 * snapshot at 90    log 1..70            overtaken: the member crashed between switching its state and its log
 *                   log 1..95, other     overtaken, for the same reason: its entry 90 was never committed
 *                   term at 90
 *                   log 1..95, 91..95    goes on
 *                   log 1..70, and 95    damaged: entries after the snapshot are applied only from a log that has
 *                   was applied          begun anew, and that one is gone
 * ```
 */
import { LogDamagedError } from '../base/errors.js';
import { type HardState, NO_MEMBER } from '../raft/types.js';
import type { LogState } from './replay.js';
import { ActiveSegment, type Place } from './segment.js';

/** A place in the log: an entry's index and term. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** Whether the log is older than the snapshot: it does not reach it, or went another way. */
export function isOvertaken(
  state: Pick<LogState, 'firstIndex' | 'previousTerm' | 'lastIndex' | 'entries'>,
  snapshot: LogPosition | undefined,
): snapshot is LogPosition {
  if (snapshot === undefined || snapshot.index === 0 || snapshot.index < state.firstIndex - 1) return false;
  return snapshot.index > state.lastIndex || termAt(state, snapshot.index) !== snapshot.term;
}

/**
 * Checks, after the last segment, that nothing is missing at the log's end.
 *
 * @param end - where the log ends
 * @throws {@link LogDamagedError} if the log ends before what was committed or compacted; or before what is known to have
 * been durable, or with what was overwritten by that, and it is not that a snapshot has overtaken it
 */
export function rejectMissing(
  state: LogState,
  known: {
    readonly durableIndex: number;
    readonly durableTerm: number | undefined;
    readonly snapshot?: LogPosition | undefined;
  },
  end: { readonly file: string; readonly offset: number },
): void {
  const { snapshot, durableIndex, durableTerm } = known;
  const { commitIndex } = state.hardState;
  // The snapshot itself is why so much is known to be durable.
  const isExcused = isOvertaken(state, snapshot) && durableIndex <= snapshot.index && commitIndex < snapshot.index;
  const least = Math.max(
    commitIndex,
    state.firstIndex - 1,
    isExcused ? 0 : Math.max(durableIndex, snapshot?.index ?? 0),
  );
  if (state.lastIndex < least) {
    const why = `the log ends at entry ${state.lastIndex}, but entry ${least} was durable`;
    throw new LogDamagedError(end.file, end.offset, why);
  }
  if (isOvertaken(state, snapshot) && !isExcused) {
    const why = `entry ${snapshot.index} is not the one that the snapshot ends with, though later ones were durable`;
    throw new LogDamagedError(end.file, end.offset, why);
  }
  const term = durableIndex > 0 ? termAt(state, durableIndex) : undefined;
  if (isExcused || term === undefined || durableTerm === undefined || term === durableTerm) return;
  const why = `entry ${durableIndex} is of term ${term}, and the one that was durable there of term ${durableTerm}`;
  throw new LogDamagedError(end.file, end.offset, why);
}

/**
 * Begins the log anew after a position: once the segment that this makes is durable, those before it count no more.
 *
 * What a snapshot holds was committed; so the hard state says that, and is at least in the position's term. In a term
 * that the member did not know before, it has not voted.
 */
export async function beginLogAnew(
  place: Place,
  state: Pick<LogState, 'logId' | 'nextSegment' | 'nextGroup' | 'link' | 'hardState'>,
  position: LogPosition,
): Promise<{ readonly state: LogState; readonly active: ActiveSegment }> {
  const { logId, nextSegment, nextGroup } = state;
  const start = {
    logId,
    firstIndex: position.index + 1,
    previousTerm: position.term,
    hardState: atLeast(state.hardState, position),
  };
  const { segment, link } = await ActiveSegment.create(place, {
    ...start,
    sequence: nextSegment,
    firstGroup: nextGroup,
    link: state.link,
    beginsAnew: true,
  });
  const { index: lastIndex, term: lastTerm } = position;
  const begun = { ...start, lastIndex, lastTerm, nextSegment: nextSegment + 1, nextGroup, link, entries: [] };
  return { state: begun, active: segment };
}

function atLeast(hardState: HardState, { index, term }: LogPosition): HardState {
  return hardState.term < term
    ? { term, votedFor: NO_MEMBER, commitIndex: index }
    : { ...hardState, commitIndex: index };
}

function termAt(
  { firstIndex, previousTerm, entries }: Pick<LogState, 'firstIndex' | 'previousTerm' | 'entries'>,
  index: number,
): number | undefined {
  return index === firstIndex - 1 ? previousTerm : entries[index - firstIndex]?.term;
}
