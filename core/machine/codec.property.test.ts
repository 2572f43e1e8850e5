import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authChange, caller } from '../auth/testing/auth-changes.js';
import { InvariantError } from '../base/assert.js';
import type { Compare, DeleteRequest, Operation, PutRequest, RangeRequest, TxnRequest } from '../base/operation.js';
import { decodeCommand, encodeCommand } from './codec.js';
import type { Command } from './types.js';

const bytes = fc.uint8Array({ maxLength: 12 });
const integer = fc.maxSafeInteger();
const id = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** A record in which some of the optional fields are missing. */
function optional<T>(model: { [P in keyof T]: fc.Arbitrary<T[P]> }, requiredKeys: (keyof T)[]): fc.Arbitrary<T> {
  return fc.record(model, { requiredKeys });
}

const unsignedId = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const urls = fc.array(fc.string({ unit: 'grapheme', maxLength: 4 }), { maxLength: 3 });

const put = optional<PutRequest>(
  {
    type: fc.constant('put'),
    key: bytes,
    value: fc.oneof(
      { weight: 9, arbitrary: bytes },
      { weight: 1, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 300 }) },
    ),
    lease: fc.oneof(id, fc.constant(0n)),
    previous: fc.boolean(),
    ignoreValue: fc.boolean(),
    ignoreLease: fc.boolean(),
  },
  ['type', 'key', 'value'],
);
const remove = optional<DeleteRequest>(
  { type: fc.constant('delete'), key: bytes, end: bytes, previous: fc.boolean() },
  ['type', 'key'],
);
const range = optional<RangeRequest>(
  {
    type: fc.constant('range'),
    key: bytes,
    end: bytes,
    limit: integer,
    revision: integer,
    sortTarget: fc.constantFrom('key', 'version', 'createRevision', 'modRevision', 'value'),
    sortOrder: fc.constantFrom('none', 'ascend', 'descend'),
    serializable: fc.boolean(),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    minModRevision: integer,
    maxModRevision: integer,
    minCreateRevision: integer,
    maxCreateRevision: integer,
  },
  ['type', 'key'],
);
const compare: fc.Arbitrary<Compare> = fc
  .tuple(
    optional<Pick<Compare, 'key' | 'end' | 'result'>>(
      { key: bytes, end: bytes, result: fc.constantFrom('equal', 'greater', 'less', 'notEqual') },
      ['key', 'result'],
    ),
    fc.oneof(
      fc.record({ target: fc.constantFrom('version', 'createRevision', 'modRevision'), operand: integer }),
      fc.record({ target: fc.constant('lease'), operand: id }),
      fc.record({ target: fc.constant('value'), operand: bytes }),
    ),
  )
  .map(([where, what]) => ({ ...where, ...what }));
const { txn } = fc.letrec<{ txn: TxnRequest; operation: Operation }>((tie) => ({
  operation: fc.oneof({ maxDepth: 3, withCrossShrink: true }, put, remove, range, tie('txn')),
  txn: fc.record({
    type: fc.constant('txn'),
    compares: fc.array(compare, { maxLength: 3 }),
    success: fc.array(tie('operation'), { maxLength: 3 }),
    failure: fc.array(tie('operation'), { maxLength: 3 }),
  }),
}));
const auth = authChange.map((change) => ({ type: 'auth' as const, change }));
const callers = fc.record({
  type: fc.constant('callers' as const),
  caller,
  command: fc.oneof(put, remove, txn, auth, fc.record({ type: fc.constant('leaseRevoke' as const), id })),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  put,
  remove,
  txn,
  auth,
  callers,
  fc.record({ type: fc.constant('compact'), revision: integer }),
  fc.record({ type: fc.constant('leaseGrant'), id, ttlSeconds: integer }),
  fc.record({ type: fc.constant('leaseRevoke'), id }),
  fc.record({
    type: fc.constant('alarm'),
    action: fc.constantFrom('raise', 'end'),
    alarm: fc.record({ memberId: unsignedId, kind: fc.constantFrom('NOSPACE', 'CORRUPT') }),
    endsItself: fc.boolean(),
  }),
  fc.record({ type: fc.constant('memberUpdate'), id: unsignedId, peerUrls: urls }),
  fc.record({
    type: fc.constant('memberPublish'),
    id: unsignedId,
    name: fc.string({ maxLength: 5 }),
    clientUrls: urls,
    incarnation: unsignedId,
  }),
);

test('every command comes back as it was, but for options that have their default', () => {
  fc.assert(
    fc.property(command, (original) => {
      const decoded = decodeCommand(encodeCommand(original));

      expect(plain(decoded)).toEqual(plain(original));
      expect(Buffer.compare(encodeCommand(decoded), encodeCommand(original))).toBe(0);
    }),
    { seed: 11, numRuns: 1_500 },
  );
});

test('arbitrary bytes are a command or a broken invariant, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), (noise, tag) => {
      expectCommandOrInvariantError(noise);
      expectCommandOrInvariantError(Uint8Array.of(1, tag, ...noise));
      expectCommandOrInvariantError(Uint8Array.of(3, tag, ...noise));
    }),
    { seed: 12, numRuns: 3_000 },
  );
});

test('a command with one byte changed, cut off or added is a command or a broken invariant', () => {
  const damage = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() });
  fc.assert(
    fc.property(command, damage, (original, { at, byte, cut }) => {
      const damaged = Uint8Array.from(encodeCommand(original));
      const position = at % damaged.length;
      damaged[position] = byte;

      expectCommandOrInvariantError(damaged);
      expectCommandOrInvariantError(Uint8Array.of(...damaged, byte));
      if (cut) expectCommandOrInvariantError(damaged.subarray(0, position));
    }),
    { seed: 13, numRuns: 1_500 },
  );
});

function expectCommandOrInvariantError(given: Uint8Array): void {
  let decoded: Command;
  try {
    decoded = decodeCommand(given);
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantError);
    return;
  }
  expect(plain(decodeCommand(encodeCommand(decoded)))).toEqual(plain(decoded));
}

/** The command with defaults left out and bytes as text, so that only what it means is compared. */
function plain(part: Command | Operation): unknown {
  return JSON.parse(
    JSON.stringify(part, (name, value: unknown) => {
      if (typeof value === 'bigint') return value === 0n && name === 'lease' ? undefined : `${value}n`;
      if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
      if (isBufferJson(value)) return `bytes ${Buffer.from(value.data).toString('hex')}`;
      if (name === 'operand') return value;
      const isDefault =
        value === false || value === 0 || value === 'none' || (name === 'sortTarget' && value === 'key');
      return isDefault && name !== 'ttlSeconds' ? undefined : value;
    }),
  );
}

function isBufferJson(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
}
