import { CoordinationError } from '../../../base/errors.js';
import type { Command } from '../../../machine/types.js';
import { decodeCommand, encodeCommand } from '../../../machine/codec.js';
import { validateDelete, validatePut, validateRange, validateTxn } from '../../../mvcc/validate.js';
import {
  fromDeleteMessage,
  fromPutMessage,
  fromRangeMessage,
  fromTxnMessage,
  toDeleteMessage,
  toPutMessage,
  toRangeMessage,
  toTxnMessage,
} from '../../../rpc/convert-requests.js';
import { DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from '../../../rpc/gen/kv.js';
import type { Chance } from '../chance.js';
import { assertSame, refusedOr } from '../codec-target.js';
import { anyRequests } from '../draw/requests.js';
import type { FuzzTarget } from '../target.js';
import { reading } from './rpc-messages.js';

/** What a request becomes: what the member would put into its log, or only evaluate. */
type Way = (bytes: Buffer) => Command | undefined;

const WAYS: readonly Way[] = [
  (bytes) => {
    validateRange(fromRangeMessage(RangeRequest.decode(bytes)));
    return undefined;
  },
  (bytes) => validated(fromPutMessage(PutRequest.decode(bytes)), validatePut),
  (bytes) => validated(fromDeleteMessage(DeleteRangeRequest.decode(bytes)), validateDelete),
  (bytes) => validated(fromTxnMessage(TxnRequest.decode(bytes)), validateTxn),
];

function drawBytes(way: number, chance: Chance): Uint8Array {
  switch (way) {
    case 0:
      return RangeRequest.encode(toRangeMessage(anyRequests.range(chance))).finish();
    case 1:
      return PutRequest.encode(toPutMessage(anyRequests.put(chance))).finish();
    case 2:
      return DeleteRangeRequest.encode(toDeleteMessage(anyRequests.delete(chance))).finish();
    default:
      return TxnRequest.encode(toTxnMessage(anyRequests.txn(chance))).finish();
  }
}

function validated<T>(request: T, validate: (request: T) => void): T {
  validate(request);
  return request;
}

/** The bytes of a request for the keyspace, all the way to the entry that would stand in the log. */
export const requests: FuzzTarget = {
  name: 'requests',
  what: 'requests for the keyspace, up to the log entry',
  asks: true,
  draw: (chance) => {
    const way = chance.between(0, WAYS.length - 1);
    return { input: Buffer.concat([Buffer.of(way), drawBytes(way, chance)]) };
  },
  judge: (input) => {
    const way = WAYS[(input[0] ?? 0) % WAYS.length] as Way;
    // What protobuf cannot read is answered with "invalid argument" at the door.
    const accepted = refusedOr(() => reading(() => way(input.subarray(1))), [CoordinationError, Error]);
    if (accepted === undefined) return 'refused';
    if (accepted.value === undefined) return 'read';
    const entry = encodeCommand(accepted.value);
    assertSame(encodeCommand(decodeCommand(entry)), entry, 'a request that was accepted is read back from the log');
    return 'read';
  },
};
