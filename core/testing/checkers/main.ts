/**
 * `node dist/core/testing/checkers/main.js history.jsonl --model register`: judges a recorded history. Ends with 0 if it is
 * legal, with 1 and what shows it if it is not, and with 2 if nobody can tell.
 */
import { parseArgs } from 'node:util';
import { readHistory, type RecordedHistory } from './history/json-lines.js';
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
checks: replay (needs a write log), register, store, lock, election, queue, barrier
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

function read(): Settings & { readonly checks: readonly string[] } {
  const { values, positionals } = parseArgs({
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
  if (path === undefined || positionals.length > 1 || numbers.some(Number.isNaN)) throw new Error('see the usage');
  const { operations, log: ownLog } = readHistory(path);
  const log = values.log === undefined ? ownLog : readHistory(values.log).log;
  const hasLog = [...firstOf(log)].length > 0;
  const checks = (values.check ?? (hasLog ? 'replay' : 'register')).split(',');
  const timeoutMs = seconds * 1_000;
  return { history: { operations, log }, hasLog, checks, owned: values.owned, firstRevision, slack, timeoutMs };
}

function* firstOf<T>(all: Iterable<T>): Generator<T> {
  for (const one of all) {
    yield one;
    return;
  }
}

function judge(check: string, settings: Settings): Verdict {
  const search = <S>(model: Model<S>) => {
    const { history, hasLog, timeoutMs } = settings;
    const log = hasLog ? { log: history.log } : {};
    return checkLinearizable(history.operations, model, { ...log, timeoutMs, stepsMax: Infinity });
  };
  const { history, owned, firstRevision, slack } = settings;
  switch (check) {
    case 'replay':
      return checkReplay(history.operations, history.log, { firstRevision, isOwned: (key) => key.startsWith(owned) });
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
    default:
      throw new Error(`there is no check ${check}`);
  }
}

try {
  const { checks, ...settings } = read();
  let worst = 0;
  for (const check of checks) {
    const startedMs = performance.now();
    const verdict = judge(check, settings);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    process.stdout.write(`${check} (${seconds} s): ${describe(verdict)}\n`);
    const code = EXIT_CODES[verdict.verdict];
    // A violation is the last word, whatever the other checks could not tell.
    worst = worst === 1 || code === 1 ? 1 : Math.max(worst, code);
  }
  process.exitCode = worst;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
