import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Event, KeyValue } from '../base/key-value.js';
import type { OperationResult, TxnRequest, TxnResult } from '../base/operation.js';
import { fromTxnMessage, toTxnMessage } from './convert-requests.js';
import { fromEventMessage, fromTxnResponse, toEventMessage, toTxnResponse } from './convert-results.js';
import { TxnRequest as TxnMessage, TxnResponse as TxnAnswer } from './gen/kv.js';
import { Event as EventMessage } from './gen/mvcc.js';

const RUNS = { seed: 7, numRuns: 300 };

const revision = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 8 }).map((array) => Buffer.from(array));
const key = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((array) => Buffer.from(array));
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const range = fc.oneof(fc.record({ key }), fc.record({ key, end: key }));

const rangeRequest = fc.tuple(
  range,
  fc.record({
    limit: revision,
    revision: fc.integer({ min: -5, max: Number.MAX_SAFE_INTEGER }),
    sortOrder: fc.constantFrom('none', 'ascend', 'descend'),
    sortTarget: fc.constantFrom('key', 'version', 'createRevision', 'modRevision', 'value'),
    serializable: fc.boolean(),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    minModRevision: revision,
    maxModRevision: revision,
    minCreateRevision: revision,
    maxCreateRevision: revision,
  }),
);
const putRequest = fc.record({
  type: fc.constant('put'),
  key,
  value: bytes,
  lease: id,
  previous: fc.boolean(),
  ignoreValue: fc.boolean(),
  ignoreLease: fc.boolean(),
});
const compare = fc
  .tuple(
    range,
    fc.constantFrom('equal', 'greater', 'less', 'notEqual'),
    fc.oneof(
      fc.record({ target: fc.constantFrom('version', 'createRevision', 'modRevision'), operand: revision }),
      fc.record({ target: fc.constant('lease'), operand: id }),
      fc.record({ target: fc.constant('value'), operand: bytes }),
    ),
  )
  .map(([where, result, what]) => ({ ...where, result, ...what }));

const { txn } = fc.letrec<{ txn: unknown; operation: unknown }>((tie) => ({
  txn: fc.record({
    type: fc.constant('txn' as const),
    compares: fc.array(compare, { maxLength: 3 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 3 }),
  }),
  operation: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    rangeRequest.map(([where, rest]) => ({ type: 'range', ...where, ...rest })),
    putRequest,
    fc.tuple(range, fc.boolean()).map(([where, previous]) => ({ type: 'delete', ...where, previous })),
    tie('txn'),
  ),
}));

const keyValue: fc.Arbitrary<KeyValue> = fc.record({
  key,
  value: bytes,
  createRevision: revision,
  modRevision: revision,
  version: revision,
  lease: id,
});
const optionally = <T extends object>(base: fc.Arbitrary<T>) =>
  fc
    .tuple(base, fc.option(keyValue, { nil: undefined }))
    .map(([value, previous]) => (previous ? { ...value, previous } : value));

const { txnResult } = fc.letrec<{ txnResult: TxnResult; result: OperationResult }>((tie) => ({
  txnResult: fc.record({
    type: fc.constant('txn' as const),
    revision,
    succeeded: fc.boolean(),
    responses: fc.array(tie('result'), { maxLength: 3 }),
  }),
  result: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      type: fc.constant('range' as const),
      revision,
      kvs: fc.array(keyValue, { maxLength: 3 }),
      count: revision,
      more: fc.boolean(),
    }),
    optionally(fc.record({ type: fc.constant('put' as const), revision })),
    fc.record({
      type: fc.constant('delete' as const),
      revision,
      deleted: revision,
      previous: fc.array(keyValue, { maxLength: 3 }),
    }),
    tie('txnResult'),
  ),
}));

describe('what is sent is what arrives', () => {
  test('every request, through the wire and back', () => {
    fc.assert(
      fc.property(txn as fc.Arbitrary<TxnRequest>, (request) => {
        const wire = TxnMessage.encode(toTxnMessage(request)).finish();
        expect(fromTxnMessage(TxnMessage.decode(wire))).toEqual(request);
      }),
      RUNS,
    );
  });

  test('every answer, through the wire and back', () => {
    fc.assert(
      fc.property(txnResult, (result) => {
        const header = { clusterId: 1n, memberId: 2n, revision: result.revision, raftTerm: 3 };
        const wire = TxnAnswer.encode(toTxnResponse(result, header)).finish();
        expect(fromTxnResponse(TxnAnswer.decode(wire))).toEqual(result);
      }),
      RUNS,
    );
  });

  test('every event, through the wire and back', () => {
    const event = optionally(fc.record({ type: fc.constantFrom('put' as const, 'delete' as const), kv: keyValue }));
    fc.assert(
      fc.property(event as fc.Arbitrary<Event>, (sent) => {
        const wire = EventMessage.encode(toEventMessage(sent)).finish();
        expect(fromEventMessage(EventMessage.decode(wire))).toEqual(sent);
      }),
      RUNS,
    );
  });
});

describe('whatever bytes arrive', () => {
  test('they are decoded or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (wire) => {
        try {
          fromTxnMessage(TxnMessage.decode(wire));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }),
      { ...RUNS, numRuns: 3_000 },
    );
  });
});
