/** Answers between the port's words and etcd's messages, in both directions; server and client share them. */
import { asBuffer } from '../base/bytes.js';
import { ServerError } from '../base/errors.js';
import type { Event, KeyValue } from '../base/key-value.js';
import type { DeleteResult, OperationResult, PutResult, RangeResult, TxnResult } from '../base/operation.js';
import type { ResponseHeader } from './gen/header.js';
import type * as pb from './gen/kv.js';
import { Event_EventType, type Event as EventMessage, type KeyValue as KeyValueMessage } from './gen/mvcc.js';

// --- Keys and events ----------------------------------------------------------------------------------------------

/** A key for the wire. */
export function toKeyValueMessage(kv: KeyValue): KeyValueMessage {
  return {
    key: asBuffer(kv.key),
    value: asBuffer(kv.value),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    lease: kv.lease,
  };
}

/** An event for the wire. */
export function toEventMessage(event: Event): EventMessage {
  return {
    type: event.type === 'put' ? Event_EventType.PUT : Event_EventType.DELETE,
    kv: toKeyValueMessage(event.kv),
    prevKv: event.previous && toKeyValueMessage(event.previous),
  };
}

/** @throws {@link ServerError} if the event has no key */
export function fromEventMessage(message: EventMessage): Event {
  if (!message.kv) throw new ServerError('the server sent an event without a key');
  const type = message.type === Event_EventType.DELETE ? 'delete' : 'put';
  // A decoded message has the fields of the port's own type, under the same names.
  return message.prevKv ? { type, kv: message.kv, previous: message.prevKv } : { type, kv: message.kv };
}

// --- Results ------------------------------------------------------------------------------------------------------

/** The answer to a range; the other answers are alike. */
export function toRangeResponse(result: RangeResult, header: ResponseHeader): pb.RangeResponse {
  return { header, kvs: result.kvs.map(toKeyValueMessage), more: result.more, count: result.count };
}

/** The answer to a put. */
export function toPutResponse(result: PutResult, header: ResponseHeader): pb.PutResponse {
  return { header, prevKv: result.previous && toKeyValueMessage(result.previous) };
}

/** The answer to a deletion. */
export function toDeleteResponse(result: DeleteResult, header: ResponseHeader): pb.DeleteRangeResponse {
  return { header, deleted: result.deleted, prevKvs: result.previous.map(toKeyValueMessage) };
}

/** The answer to a transaction, with those to its operations. */
export function toTxnResponse(result: TxnResult, header: ResponseHeader): pb.TxnResponse {
  return { header, succeeded: result.succeeded, responses: result.responses.map(toOperationResponse) };
}

/** Inner answers have a header of which only the revision is set, as etcd's do. */
function toOperationResponse(result: OperationResult): pb.ResponseOp {
  const header: ResponseHeader = { clusterId: 0n, memberId: 0n, revision: result.revision, raftTerm: 0 };
  switch (result.type) {
    case 'range':
      return { response: { $case: 'responseRange', responseRange: toRangeResponse(result, header) } };
    case 'put':
      return { response: { $case: 'responsePut', responsePut: toPutResponse(result, header) } };
    case 'delete':
      return { response: { $case: 'responseDeleteRange', responseDeleteRange: toDeleteResponse(result, header) } };
    case 'txn':
      return { response: { $case: 'responseTxn', responseTxn: toTxnResponse(result, header) } };
  }
}

/** What a member answered to a range. */
export function fromRangeResponse(message: pb.RangeResponse): RangeResult {
  return {
    type: 'range',
    revision: revisionOf(message.header),
    kvs: message.kvs,
    count: message.count,
    more: message.more,
  };
}

/** What a member answered to a put. */
export function fromPutResponse(message: pb.PutResponse): PutResult {
  const revision = revisionOf(message.header);
  return message.prevKv ? { type: 'put', revision, previous: message.prevKv } : { type: 'put', revision };
}

/** What a member answered to a deletion. */
export function fromDeleteResponse(message: pb.DeleteRangeResponse): DeleteResult {
  return {
    type: 'delete',
    revision: revisionOf(message.header),
    deleted: message.deleted,
    previous: message.prevKvs,
  };
}

/** What a member answered to a transaction. @throws {@link ServerError} if an operation has no answer */
export function fromTxnResponse(message: pb.TxnResponse): TxnResult {
  return {
    type: 'txn',
    revision: revisionOf(message.header),
    succeeded: message.succeeded,
    responses: message.responses.map(fromOperationResponse),
  };
}

function fromOperationResponse({ response }: pb.ResponseOp): OperationResult {
  switch (response?.$case) {
    case 'responseRange':
      return fromRangeResponse(response.responseRange);
    case 'responsePut':
      return fromPutResponse(response.responsePut);
    case 'responseDeleteRange':
      return fromDeleteResponse(response.responseDeleteRange);
    case 'responseTxn':
      return fromTxnResponse(response.responseTxn);
    case undefined:
      throw new ServerError('the server answered an operation of a transaction with nothing');
  }
}

/** The revision a header tells; 0 if there is none. */
export function revisionOf(header: ResponseHeader | undefined): number {
  return header?.revision ?? 0;
}
