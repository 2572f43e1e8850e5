import { describe, expect, it } from '@jest/globals';
import { type Prng, seededPrng } from '../../base/prng.js';
import type { Operation } from './history/operation.js';
import { register } from './models/register.js';
import { wholeStore } from './models/store.js';
import { checkReplay } from './replay/replay.js';
import { checkLinearizable } from './search/search.js';
import { type HistorySizes, type LegalHistory, legalHistory } from './testing/generate.js';
import { atTheEnd, loggedStore } from './testing/logged-store.js';
import { MUTATIONS } from './testing/mutate.js';
import { isLegal } from './testing/oracle.js';
import { describe as inWords, type Verdict } from './verdict.js';

const TINY: HistorySizes = { operations: 7, clients: 3, keys: 2, unknownPercent: 15, failPercent: 5, width: 3 };
const MIDDLE: HistorySizes = {
  ...{ operations: 40, clients: 4, keys: 3, unknownPercent: 8, failPercent: 4, width: 5 },
  severalKeys: true,
};

/** As a history is from a store without revisions. */
function withoutRevisions(operations: readonly Operation[]): Operation[] {
  const plain = operations.filter(({ op }) => op !== 'casRevision');
  return plain.map(
    ({ revision: _, modRevision: __, createRevision: ___, version: ____, ...rest }) => rest as Operation,
  );
}

function byReplay({ operations, log }: LegalHistory): Verdict {
  return checkReplay(operations, log);
}

function bySearch({ operations, log }: LegalHistory): Verdict {
  return checkLinearizable([...operations, atTheEnd(operations, log)], loggedStore(log));
}

/** So that a disagreement can be looked at. */
function expectSame(history: LegalHistory, verdicts: Readonly<Record<string, Verdict>>, right: string): void {
  for (const [by, verdict] of Object.entries(verdicts)) {
    if (verdict.verdict === right) continue;
    const lines = [...history.operations, ...history.log].map((line) => JSON.stringify(line));
    throw new Error(`${by} says ${inWords(verdict)}, and it is ${right}:\n${lines.join('\n')}`);
  }
}

const KINDS = Object.keys(MUTATIONS);

function mutated(history: LegalHistory, kind: string, prng: Prng): LegalHistory {
  return (MUTATIONS[kind] as (typeof MUTATIONS)[string])(history, prng);
}

describe('on histories that were made one operation after the other', () => {
  it('every checker says ok', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const history = legalHistory(seededPrng(seed), MIDDLE);
      const single = legalHistory(seededPrng(seed), { ...MIDDLE, severalKeys: false });
      const { log } = single;
      const verdicts = {
        replay: byReplay(history),
        'the search along the log': bySearch(history),
        'the search of the whole store': checkLinearizable(history.operations, wholeStore()),
        'the search with the log': checkLinearizable(history.operations, wholeStore(), history),
        'the search by key': checkLinearizable(single.operations, register),
        'the search by key with the log': checkLinearizable(single.operations, register, { log }),
      };
      expectSame(history, verdicts, 'ok');
    }
  });
});

describe.each(KINDS)('on histories in which %s', (kind) => {
  it('the checkers agree with every order tried, on tiny ones', () => {
    const found = { ok: 0, violation: 0 };
    for (let seed = 1; seed <= 150; seed += 1) {
      const prng = seededPrng(seed);
      const history = mutated(legalHistory(prng, TINY), kind, prng);
      const plain = withoutRevisions(history.operations);
      const right = isLegal(history.operations, history.log) ? 'ok' : 'violation';
      expectSame(history, { replay: byReplay(history), 'the search along the log': bySearch(history) }, right);
      expectSame(
        history,
        { 'the search of the whole store': checkLinearizable(history.operations, wholeStore()) },
        isLegal(history.operations) ? 'ok' : 'violation',
      );
      expectSame(
        history,
        { 'the search by key without revisions': checkLinearizable(plain, register) },
        isLegal(plain) ? 'ok' : 'violation',
      );
      // Key by key it cannot know at which revisions other keys were changed, so it may see less.
      const byKey = checkLinearizable(history.operations, register);
      if (isLegal(history.operations)) expectSame(history, { 'the search by key': byKey }, 'ok');
      found[right] += 1;
    }
    expect(found.violation).toBeGreaterThan(15);
  });

  it('replay and search agree on larger ones', () => {
    let violations = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const prng = seededPrng(1_000 + seed);
      const history = mutated(legalHistory(prng, MIDDLE), kind, prng);
      const replayed = byReplay(history);
      expectSame(history, { 'the search along the log': bySearch(history) }, replayed.verdict);
      if (replayed.verdict === 'violation') violations += 1;
    }
    expect(violations).toBeGreaterThan(6);
  });
});
