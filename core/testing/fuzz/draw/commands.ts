import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../../base/operation.js';
import type { Command, MemberInfo } from '../../../machine/types.js';
import type { Configuration } from '../../../raft/types.js';
import type { Chance } from '../chance.js';

/** Nested no deeper than this; deeper ones are made by mutation. */
const DEPTH_MAX = 3;

/** A command as the codec gives it back: what has its default value is absent. */
export function drawCommand(chance: Chance): Command {
  switch (chance.between(0, 7)) {
    case 0:
      return { type: 'compact', revision: chance.integer() };
    case 1:
      return { type: 'leaseGrant', id: chance.signedId(), ttlSeconds: chance.integer() };
    case 2:
      return { type: 'leaseRevoke', id: chance.signedId() };
    case 3:
      return { type: 'memberUpdate', id: chance.id(), peerUrls: drawTexts(chance) };
    case 4: {
      const [id, name, clientUrls] = [chance.id(), drawUtf8(chance), drawTexts(chance)];
      return { type: 'memberPublish', id, name, clientUrls, incarnation: chance.id() };
    }
    case 5:
      return drawPut(chance);
    case 6:
      return drawDelete(chance);
    default:
      return drawTxn(chance, 0);
  }
}

export function drawOperation(chance: Chance, depth = 0): Operation {
  switch (chance.between(0, depth < DEPTH_MAX ? 3 : 2)) {
    case 0:
      return drawPut(chance);
    case 1:
      return drawDelete(chance);
    case 2:
      return drawRange(chance);
    default:
      return drawTxn(chance, depth);
  }
}

export function drawTxn(chance: Chance, depth = 0): TxnRequest {
  const branch = () => chance.list(4, () => drawOperation(chance, depth + 1));
  return { type: 'txn', compares: chance.list(4, () => drawCompare(chance)), success: branch(), failure: branch() };
}

export function drawPut(chance: Chance): PutRequest {
  const lease = chance.signedId();
  return {
    type: 'put',
    key: chance.bytes(),
    value: chance.bytes(400),
    ...(lease !== 0n && chance.oneIn(2) && { lease }),
    ...(chance.oneIn(3) && { previous: true }),
    ...(chance.oneIn(5) && { ignoreValue: true }),
    ...(chance.oneIn(5) && { ignoreLease: true }),
  };
}

export function drawDelete(chance: Chance): DeleteRequest {
  const end = chance.maybe(() => chance.bytes());
  return { type: 'delete', key: chance.bytes(), ...(end && { end }), ...(chance.oneIn(3) && { previous: true }) };
}

export function drawRange(chance: Chance): RangeRequest {
  const end = chance.maybe(() => chance.bytes());
  const [sortTarget, sortOrder] = [chance.pick(SORT_TARGETS), chance.pick(SORT_ORDERS)];
  const isSorted = sortTarget !== 'key' || sortOrder !== 'none';
  const request: Record<string, unknown> = {
    type: 'range',
    key: chance.bytes(),
    ...(end && { end }),
    ...(isSorted && { sortTarget, sortOrder }),
    ...(chance.oneIn(3) && { serializable: true }),
    ...(chance.oneIn(3) && { keysOnly: true }),
    ...(chance.oneIn(3) && { countOnly: true }),
  };
  for (const name of RANGE_NUMBERS) {
    const value = chance.oneIn(4) ? chance.integer() : 0;
    if (value !== 0) request[name] = value;
  }
  return request as unknown as RangeRequest;
}

export function drawCompare(chance: Chance): Compare {
  const end = chance.maybe(() => chance.bytes());
  const result = chance.pick(['equal', 'greater', 'less', 'notEqual'] as const);
  const range = { key: chance.bytes(), ...(end && { end }), result };
  const target = chance.pick(['version', 'createRevision', 'modRevision', 'lease', 'value'] as const);
  if (target === 'lease') return { ...range, target, operand: chance.signedId() };
  if (target === 'value') return { ...range, target, operand: chance.bytes() };
  return { ...range, target, operand: chance.integer() };
}

/** Members in order of their ids, each there once. */
export function drawMemberInfos(chance: Chance): readonly MemberInfo[] {
  const ids = [...new Set(chance.list(9, () => chance.id()))].sort((a, b) => (a < b ? -1 : 1));
  return ids.map((id) => ({
    id,
    name: drawUtf8(chance),
    peerUrls: drawTexts(chance),
    clientUrls: drawTexts(chance),
    incarnation: chance.id(),
    isLearner: chance.oneIn(3),
    ...(chance.oneIn(4) && { replaces: chance.id() }),
  }));
}

export function drawConfiguration(chance: Chance): Configuration {
  const ids = () => chance.list(12, () => chance.id());
  const outgoing = ids();
  return { voters: ids(), ...(outgoing.length > 0 && chance.oneIn(2) && { outgoing }), learners: ids() };
}

/** A text that comes back from UTF-8 as it was. */
export function drawUtf8(chance: Chance): string {
  return Buffer.from(chance.text(), 'utf8').toString('utf8');
}

export function drawTexts(chance: Chance): string[] {
  return chance.list(4, () => drawUtf8(chance));
}

const SORT_TARGETS = ['key', 'version', 'createRevision', 'modRevision', 'value'] as const;
const SORT_ORDERS = ['none', 'ascend', 'descend'] as const;
const RANGE_NUMBERS = [
  'limit',
  'revision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
] as const;
