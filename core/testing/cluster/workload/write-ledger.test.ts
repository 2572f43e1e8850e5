import { expect, test } from '@jest/globals';
import { Verdict } from './verdict.js';
import { WriteLedger } from './write-ledger.js';

function ledger(): { verdict: Verdict; ledger: WriteLedger } {
  const verdict = new Verdict();
  return { verdict, ledger: new WriteLedger(verdict) };
}

test('a write that is acknowledged and in the history at its revision is settled, whichever is heard first', () => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  of.begun('b', 'k');
  of.seen('a', 2);
  of.acknowledged('a', 2);
  of.acknowledged('b', 3);
  of.seen('b', 3);
  of.seenUpTo(3);
  of.sweep();

  expect(verdict.isClean).toBe(true);
  expect(of.openCount).toBe(0);
  expect(of.acknowledgedAt('k')).toBe(3);
});

test('an acknowledged write that the history does not show is lost', () => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  of.acknowledged('a', 5);
  of.seenUpTo(4);
  of.sweep();
  expect(verdict.isClean).toBe(true);
  of.seenUpTo(5);
  of.sweep();

  expect(verdict.findings).toEqual(['write a, acknowledged at revision 5, is lost']);
});

test('a write acknowledged only after the history has passed its revision is lost at once', () => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  of.seenUpTo(9);
  of.acknowledged('a', 5);

  expect(verdict.isClean).toBe(false);
});

test('a write at another revision than was acknowledged is a violation', () => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  of.seen('a', 7);
  of.acknowledged('a', 6);

  expect(verdict.findings).toEqual(['write a, acknowledged at revision 6, is there at 7']);
});

test('an unknown write may be there once or not at all', () => {
  const { verdict, ledger: of } = ledger();
  for (const id of ['a', 'b']) of.begun(id, 'k');
  of.unknown('a');
  of.unknown('b');
  of.seen('a', 2);
  of.seenUpTo(9);
  of.sweep();

  expect(verdict.isClean).toBe(true);
  expect(of.openCount).toBe(1);
});

test.each([
  ['acknowledged', (of: WriteLedger) => of.acknowledged('a', 2)],
  ['unknown', (of: WriteLedger) => of.unknown('a')],
  ['under way', () => undefined],
])('a write that is %s must not be there twice', (_, end) => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  end(of);
  of.seen('a', 2);
  of.seen('a', 3);

  expect(verdict.isClean).toBe(false);
});

test.each([
  ['before', (of: WriteLedger) => (of.seen('a', 2), of.refused('a'))],
  ['after', (of: WriteLedger) => (of.refused('a'), of.seen('a', 2))],
])('a refused write must not be there, heard of %s', (_, happen) => {
  const { verdict, ledger: of } = ledger();
  of.begun('a', 'k');
  happen(of);

  expect(verdict.isClean).toBe(false);
});

test('a write that nobody made is a violation', () => {
  const { verdict, ledger: of } = ledger();
  of.seen('nobody', 2);

  expect(verdict.isClean).toBe(false);
});
