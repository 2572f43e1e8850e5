import type { History } from '../../checkers/history/history.js';
import type { Operation } from '../../checkers/history/operation.js';
import { lock } from '../../checkers/models/lock.js';
import { register } from '../../checkers/models/register.js';
import { replay } from '../../checkers/replay/replay.js';
import { checkLinearizable, type SearchOptions } from '../../checkers/search/search.js';
import { settled } from '../../checkers/search/settle.js';
import { describe, type Verdict } from '../../checkers/verdict.js';
import { isJudgedAlone, RECORDED } from './key-group.js';
import { GUARDED } from './surroundings.js';

/** The search takes more time for an operation than the replay does; it is given whole keys up to so many operations. */
const SEARCHED_MOST = 60_000;

/** What the checkers say of a history. */
export interface Judgement {
  /** Operations that the replay judged. */
  readonly replayedCount: number;
  /** Operations on keys for which a search found a legal order, without the help of revisions' order. */
  readonly searchedCount: number;
  /** Operations on locks and elections for which one was found. */
  readonly holdsSearchedCount: number;
  /** Violations, and whatever could not be told. */
  readonly findings: readonly string[];
}

/** What is to be judged beside operations on keys. */
export interface JudgeOptions {
  readonly firstRevision: number;
  /** Operations on locks and elections. Default: they are not judged. */
  readonly holds?: History;
  /** What the search may spend on each key, lock and election: what it cannot tell with that is a finding. */
  readonly search?: Pick<SearchOptions, 'stepsMax'>;
}

/** Whether nobody but those whose operations are recorded changes a key. */
export function isOwned(key: string): boolean {
  return key.startsWith(RECORDED) || key.startsWith(GUARDED);
}

/** Judges all of a history by its revisions, against the log that the witness heard, and a part of it by search. */
export function judge(history: History, { firstRevision, holds, search = {} }: JudgeOptions): Judgement {
  const { verdict, revisionOf } = replay(history.operations, history.log, { firstRevision, isOwned });
  const verdicts: Verdict[] = [verdict];
  if (verdict.verdict === 'ok') {
    const operations = partOf(settled(history.operations, revisionOf));
    verdicts.push(checkLinearizable(operations, register, search));
  }
  if (holds) verdicts.push(checkLinearizable(settledHolds(holds.operations), lock(), search));
  const counts = verdicts.map((each) => (each.verdict === 'ok' ? each.judgedCount : 0));
  return {
    replayedCount: counts[0] ?? 0,
    searchedCount: verdict.verdict === 'ok' ? (counts[1] ?? 0) : 0,
    holdsSearchedCount: holds ? (counts.at(-1) ?? 0) : 0,
    findings: verdicts.filter((each) => each.verdict !== 'ok').map(describe),
  };
}

/** All operations on each of some keys: the first keys that were used. */
function partOf(operations: Iterable<Operation>): Operation[] {
  const part: Operation[] = [];
  const keys = new Set<string>();
  for (const operation of operations) {
    const { key } = operation as { readonly key?: string };
    if (key === undefined || !isJudgedAlone(key)) continue;
    if (part.length < SEARCHED_MOST) keys.add(key);
    if (keys.has(key)) part.push(operation);
  }
  return part;
}

/**
 * A release that nobody confirmed may have freed the lock or not. A search would have to try both, to the end; instead the
 * holder may have lost it at any time since it was granted. Who ended while it asked for something was told nothing: if it
 * was granted the lock, it has lost it again, and what it wrote changed nobody's hold.
 */
function settledHolds(operations: readonly Operation[]): Operation[] {
  const unconfirmed = new Set<string>();
  for (const operation of operations) {
    if (operation.op === 'release' && operation.outcome === 'unknown') unconfirmed.add(tokenOf(operation));
  }
  return operations
    .filter(({ outcome }) => outcome !== 'unknown')
    .map((operation) =>
      operation.op === 'acquire' && unconfirmed.has(tokenOf(operation)) ? { ...operation, ttl: 0 } : operation,
    );
}

function tokenOf(operation: Operation): string {
  const { key, token } = operation as { readonly key?: string; readonly token?: number };
  return `${key} ${token}`;
}
