/** How the gateway says that something failed: as grpc-gateway does it, version 2 (etcd 3.6 and later). */
import { status } from '@grpc/grpc-js';
import { toWireError, type WireError } from '../errors.js';

/** Statuses of HTTP for those of gRPC. */
const HTTP_STATUSES: Readonly<Record<status, number>> = {
  [status.OK]: 200,
  [status.CANCELLED]: 499,
  [status.UNKNOWN]: 500,
  [status.INVALID_ARGUMENT]: 400,
  [status.DEADLINE_EXCEEDED]: 504,
  [status.NOT_FOUND]: 404,
  [status.ALREADY_EXISTS]: 409,
  [status.PERMISSION_DENIED]: 403,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.FAILED_PRECONDITION]: 400,
  [status.ABORTED]: 409,
  [status.OUT_OF_RANGE]: 400,
  [status.UNIMPLEMENTED]: 501,
  [status.INTERNAL]: 500,
  [status.UNAVAILABLE]: 503,
  [status.DATA_LOSS]: 500,
  [status.UNAUTHENTICATED]: 401,
};

/** The status of HTTP that a failure has. */
export function httpStatusOf({ grpc }: WireError): number {
  return HTTP_STATUSES[grpc] ?? 500;
}

/** What a failure looks like as JSON; within a stream it is called `error`. */
export function failureJson({ grpc, text }: WireError): { code: number; message: string; details: readonly never[] } {
  return { code: grpc, message: text, details: [] };
}

/** The answer to a request of more bytes than are taken. @param what - is too large */
export function tooLarge(what: string, bytesMax: number): WireError {
  return { grpc: status.RESOURCE_EXHAUSTED, text: `${what} is larger than ${bytesMax} bytes, the most that is taken` };
}

/** The answer to a message that is too large once it is binary, in the words of etcd's gRPC. */
export function messageTooLarge(bytes: number, bytesMax: number): WireError {
  return {
    grpc: status.RESOURCE_EXHAUSTED,
    text: `grpc: received message larger than max (${bytes} vs. ${bytesMax})`,
  };
}

/** The answer to one call more than are taken at a time. */
export function tooManyCalls(callsMax: number): WireError {
  return { grpc: status.RESOURCE_EXHAUSTED, text: `${callsMax} calls are under way, the most that are taken` };
}

export const DEADLINE_EXCEEDED: WireError = { grpc: status.DEADLINE_EXCEEDED, text: 'context deadline exceeded' };

/** A request that is refused in words that are the protocol's, not ours. */
export class Refusal extends Error {
  constructor(readonly wire: WireError) {
    super(wire.text);
  }
}

/** What answers an error that was thrown before a service saw the request. */
export function toFailure(error: unknown): WireError {
  return error instanceof Refusal ? error.wire : toWireError(error);
}
