import { parseArgs } from 'node:util';
import { readHistory, type RecordedHistory } from './history/json-lines.js';
import { checkListAppend } from './list-append/list-append.js';
import { doubleBarrier } from './models/double-barrier.js';
import { election } from './models/election.js';
import { lock } from './models/lock.js';
import { queue } from './models/queue.js';
import { register } from './models/register.js';
import { wholeStore } from './models/store.js';
import { checkReplay } from './replay/replay.js';
import type { Model } from './search/model.js';
import { checkLinearizable } from './search/search.js';
import { describe, type Verdict } from './verdict.js';

const USAGE = `history.jsonl [--log log.jsonl] [--check replay,register,...] [--owned PREFIX] [--first-revision 2]
  [--slack 0] [--seconds 60]
checks: replay (needs a write log), register, store, lock, election, queue, barrier, lists
default: replay if there is a log, otherwise register`;

const EXIT_CODES = { ok: 0, violation: 1, unknown: 2 } as const;

interface Settings {
  readonly history: RecordedHistory;
  readonly hasLog: boolean;
  readonly owned: string;
  readonly firstRevision: number;
  readonly slack: number;
  readonly timeoutMs: number;
}

/**
 * Judges a history in a file, as a command line asks.
 *
 * @returns 0 if it is legal, 1 if it is not, 2 if nobody can tell
 */
export function judgeFile(args: readonly string[], tell: (text: string) => void): number {
  try {
    const { checks, ...settings } = settingsFrom(args);
    const codes = checks.map((check) => {
      const startedMs = performance.now();
      const verdict = judge(check, settings);
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      tell(`${check} (${seconds} s): ${describe(verdict)}\n`);
      return EXIT_CODES[verdict.verdict];
    });
    // A violation is the last word, whatever other checks could not tell.
    return codes.includes(1) ? 1 : Math.max(...codes);
  } catch (error) {
    tell(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    return 2;
  }
}

function settingsFrom(args: readonly string[]): Settings & { readonly checks: readonly string[] } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      log: { type: 'string' },
      check: { type: 'string' },
      owned: { type: 'string', default: '' },
      'first-revision': { type: 'string', default: '2' },
      slack: { type: 'string', default: '0' },
      seconds: { type: 'string', default: '60' },
    },
  });
  const [path] = positionals;
  const numbers = [values['first-revision'], values.slack, values.seconds].map(Number);
  const [firstRevision, slack, seconds] = numbers as [number, number, number];
  if (path === undefined || positionals.length > 1) throw new Error('one file is judged at a time');
  if (numbers.some(Number.isNaN)) throw new Error('--first-revision, --slack and --seconds are numbers');
  const { operations, log: ownLog } = readHistory(path);
  const log = values.log === undefined ? ownLog : readHistory(values.log).log;
  const hasLog = !log[Symbol.iterator]().next().done;
  const checks = (values.check ?? (hasLog ? 'replay' : 'register')).split(',');
  const timeoutMs = seconds * 1_000;
  return { history: { operations, log }, hasLog, checks, owned: values.owned, firstRevision, slack, timeoutMs };
}

function judge(check: string, { history, hasLog, timeoutMs, firstRevision, owned, slack }: Settings): Verdict {
  const options = { firstRevision, isOwned: (key: string) => key.startsWith(owned) };
  const search = <S>(model: Model<S>) =>
    checkLinearizable(history.operations, model, {
      ...(hasLog && { log: history.log, logOptions: options }),
      ...{ timeoutMs, stepsMax: Infinity },
    });
  switch (check) {
    case 'replay':
      return checkReplay(history.operations, history.log, options);
    case 'register':
      return search(register);
    case 'store':
      return search(wholeStore(firstRevision - 1));
    case 'lock':
      return search(lock(slack));
    case 'election':
      return search(election(slack));
    case 'queue':
      return search(queue);
    case 'barrier':
      return search(doubleBarrier);
    case 'lists':
      return checkListAppend(history.operations);
    default:
      throw new Error(`there is no check ${check}`);
  }
}
