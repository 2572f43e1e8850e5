import type { History } from '../../checkers/history/history.js';
import { checkReplay } from '../../checkers/replay/replay.js';
import { describe } from '../../checkers/verdict.js';
import { RECORDED } from './key-group.js';
import { GUARDED } from './surroundings.js';

/** What the checkers say of a history. */
export interface Judgement {
  /** Operations that the replay judged. */
  readonly replayedCount: number;
  readonly judgedInMs: number;
  /** Violations, and whatever could not be told. */
  readonly findings: readonly string[];
}

/** Judges all of a history by its revisions, against the log that the witness heard. */
export function judge(history: History, firstRevision: number): Judgement {
  const startedMs = performance.now();
  const isOwned = (key: string) => key.startsWith(RECORDED) || key.startsWith(GUARDED);
  const replayed = checkReplay(history.operations, history.log, { firstRevision, isOwned });
  return {
    replayedCount: replayed.verdict === 'ok' ? replayed.judgedCount : 0,
    judgedInMs: Math.round(performance.now() - startedMs),
    findings: replayed.verdict === 'ok' ? [] : [describe(replayed)],
  };
}
