import { expect, test } from '@jest/globals';
import { InvalidArgumentError } from './base/errors.js';
import type { OperationResult, TxnRequest, TxnResult } from './base/operation.js';
import { createRevision, get, put, Txn, value, version } from './txn.js';

/** Records what it is asked to carry out, and answers what the test says. */
function scripted(answer: (request: TxnRequest) => TxnResult) {
  const asked: TxnRequest[] = [];
  const txn = new Txn(async (request) => {
    asked.push(request);
    return answer(request);
  });
  return { txn, asked };
}

const result = (succeeded: boolean, ...responses: OperationResult[]): TxnResult => ({
  type: 'txn',
  revision: 9,
  succeeded,
  responses,
});
const refusal = (guard: string) => () => new InvalidArgumentError(guard, 'stale', 'current');

test('the words gather, in order, and each gives a new transaction', async () => {
  const { txn, asked } = scripted(() => result(true));
  const base = txn.when(version('a').equals(1));
  await base.when(value('b').differs('x')).do(put('c', '1'), get('d')).otherwise(get('e')).commit();
  await base.commit();

  expect(asked[0]!.compares.map((compare) => [compare.target, compare.result])).toEqual([
    ['version', 'equal'],
    ['value', 'notEqual'],
  ]);
  expect(asked[0]!.success.map((operation) => operation.type)).toEqual(['put', 'range']);
  expect(asked[0]!.failure).toHaveLength(1);
  expect(asked[1]).toMatchObject({ success: [], failure: [] });
  expect(asked[1]!.compares).toHaveLength(1);
});

test('each guard wraps what it protects, the first one outermost', async () => {
  const { txn, asked } = scripted(() => result(true, result(true, result(false))));
  const answer = await txn
    .guard([createRevision('first').equals(1)], refusal('first'))
    .guard([createRevision('second').equals(2)], refusal('second'))
    .do(put('a', '1'))
    .commit();

  const outer = asked[0]!;
  const inner = outer.success[0] as TxnRequest;
  expect(outer.compares[0]).toMatchObject({ operand: 1 });
  expect(inner.compares[0]).toMatchObject({ operand: 2 });
  expect((inner.success[0] as TxnRequest).success).toHaveLength(1);
  expect(answer.succeeded).toBe(false);
});

test('the guard that did not hold is the one that is told', async () => {
  const guarded = (answer: TxnResult) =>
    scripted(() => answer)
      .txn.guard([], refusal('first'))
      .guard([], refusal('second'))
      .commit();

  await expect(guarded(result(false))).rejects.toThrow(/^first/);
  await expect(guarded(result(true, result(false)))).rejects.toThrow(/^second/);
});

test('a guarded transaction has the revision of the outermost answer, for etcd tells none with the inner ones', async () => {
  const inner = { ...result(true), revision: 0 };
  const { revision } = await scripted(() => result(true, inner))
    .txn.guard([], refusal('first'))
    .commit();

  expect(revision).toBe(9);
});

test('a guarded transaction cannot be nested', () => {
  const { txn } = scripted(() => result(true));
  expect(txn.do(get('a')).asOperation().success).toHaveLength(1);
  expect(() => txn.guard([], refusal('first')).asOperation()).toThrow(/guard/);
});
