import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../../base/operation.js';
import type { Command } from '../../../machine/types.js';
import type { Chance } from '../chance.js';
import { drawCommand } from './commands.js';

/** So few keys and leases that commands meet. */
const KEYS = ['a', 'aa', 'ab', 'b', 'b\0', 'c', '\xff'].map((text) => Buffer.from(text, 'latin1'));
const ENDS = [...KEYS, Buffer.of(0), Buffer.alloc(0)];
const LEASES = [1n, 2n, -3n];

/** A command that has something to do with those before it; now and then any other. */
export function drawStateCommand(chance: Chance): Command {
  switch (chance.between(0, 12)) {
    case 0:
      return { type: 'leaseGrant', id: chance.pick(LEASES), ttlSeconds: chance.oneIn(8) ? chance.integer() : 60 };
    case 1:
      return { type: 'leaseRevoke', id: chance.pick(LEASES) };
    case 2:
      return { type: 'compact', revision: chance.between(-1, 30) };
    case 3:
      return drawCommand(chance);
    case 4:
    case 5:
      return drawStateDelete(chance);
    case 6:
    case 7:
    case 8:
      return drawStateTxn(chance, 0);
    default:
      return drawStatePut(chance);
  }
}

/** A put of one of the few keys. */
export function drawStatePut(chance: Chance): PutRequest {
  return {
    type: 'put',
    key: chance.pick(KEYS),
    value: chance.bytes(20),
    ...(chance.oneIn(3) && { lease: chance.pick(LEASES) }),
    ...(chance.oneIn(4) && { previous: true }),
    ...(chance.oneIn(8) && { ignoreValue: true }),
    ...(chance.oneIn(8) && { ignoreLease: true }),
  };
}

/** A deletion of some of the few keys. */
export function drawStateDelete(chance: Chance): DeleteRequest {
  const end = chance.maybe(() => chance.pick(ENDS));
  return { type: 'delete', key: chance.pick(KEYS), ...(end && { end }), ...(chance.oneIn(3) && { previous: true }) };
}

/** A read of some of the few keys, at a revision that there may be. */
export function drawStateRange(chance: Chance): RangeRequest {
  const end = chance.maybe(() => chance.pick(ENDS));
  const [revision, limit] = [chance.between(-1, 30), chance.between(-1, 3)];
  const request = { type: 'range', key: chance.pick(KEYS), ...(end && { end }) } as const;
  return { ...request, ...(chance.oneIn(4) && revision !== 0 && { revision }), ...(limit !== 0 && { limit }) };
}

/** A transaction over the few keys; its branches may change one of them twice. */
export function drawStateTxn(chance: Chance, depth = 0): TxnRequest {
  const branch = () => chance.list(4, () => drawOperation(chance, depth + 1));
  return { type: 'txn', compares: chance.list(3, () => drawCompare(chance)), success: branch(), failure: branch() };
}

function drawOperation(chance: Chance, depth: number): Operation {
  switch (chance.between(0, depth < 3 ? 3 : 2)) {
    case 0:
      return drawStatePut(chance);
    case 1:
      return drawStateDelete(chance);
    case 2:
      return drawStateRange(chance);
    default:
      return drawStateTxn(chance, depth);
  }
}

function drawCompare(chance: Chance): Compare {
  const end = chance.maybe(() => chance.pick(ENDS));
  const result = chance.pick(['equal', 'greater', 'less', 'notEqual'] as const);
  const range = { key: chance.pick(KEYS), ...(end && { end }), result };
  const target = chance.pick(['version', 'createRevision', 'modRevision', 'lease', 'value'] as const);
  if (target === 'lease') return { ...range, target, operand: chance.pick([0n, ...LEASES]) };
  if (target === 'value') return { ...range, target, operand: chance.bytes(4) };
  return { ...range, target, operand: chance.between(0, 20) };
}
