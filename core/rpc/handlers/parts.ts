import type {
  handleUnaryCall,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Logger } from '../../base/logger.js';
import type { AuditSink } from '../audit/audit-entry.js';
import type { CallCounts } from '../call-counts.js';
import type { ServedMember } from '../ports.js';
import type { RpcLimits } from '../rpc-limits.js';

/** What the handlers answer for. */
export interface HandlerParts {
  readonly member: ServedMember;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  /** Counts calls. Absent: nobody asks. */
  readonly counts?: CallCounts | undefined;
  /** The common name of the certificate with which a call's connection proved itself. Absent: none is asked for. */
  readonly commonName?: ((call: Call) => string | undefined) | undefined;
  /** Is told of every change that is asked for. Absent: nobody is. */
  readonly audit?: AuditSink | undefined;
  /** Bytes of one message of events. */
  readonly watchMessageBytesMax: number;
  /** Bytes of keys and values in one message of a range that is streamed. Default: 1.5 MiB. */
  readonly rangeChunkBytes?: number;
}

/** A call of any kind. */
export type Call = ServerUnaryCall<unknown, unknown> | Stream;

/** A call that is answered with many messages. */
export type Stream = ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>;

/** What a carrier calls for a method, whatever its messages. */
export type Handler = handleUnaryCall<never, never> & UntypedHandleCall;

/** What a carrier calls for the methods of one service, by their names in its definition. */
export type ServiceHandlers = Readonly<Record<string, Handler>>;
