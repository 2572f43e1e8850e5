import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '../gen/lease.js';
import { Malformed } from '../malformed.js';
import { OrderedReplies } from '../ordered-replies.js';
import type { CallGate } from './call-gate.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Handler } from './parts.js';

type KeepAlives = ServerDuplexStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;

/** The handler of streams of renewals. @param pendingMax - renewals of one stream that are under way */
export function keepAliveHandler(gate: CallGate, lasting: LastingCalls, pendingMax: number): Handler {
  const serve = async (call: KeepAlives) => {
    const stream = lasting.open(call, () => {});
    if (!lasting.admit(call, false, stream)) return;
    const services = await gate.servicesFor(call).catch((error: unknown) => stream.fail(error));
    if (services === undefined || !stream.isOpen()) return;
    const replies = new OrderedReplies<LeaseKeepAliveResponse>((reply) => {
      if (!call.writableEnded) call.write(reply);
    }, stream.fail);
    let hasEnded = false;
    const isBehind = () => replies.pendingCount >= pendingMax || call.writableNeedDrain;
    const settled = () => {
      if (hasEnded && replies.pendingCount === 0) call.end();
      else if (!isBehind() && !call.destroyed) call.resume();
    };
    call.on('drain', settled);
    call.on('data', (request: LeaseKeepAliveRequest | Malformed) => {
      // What came in behind a failure is not answered any more.
      if (call.writableEnded) return;
      if (request instanceof Malformed) return stream.fail(request.error);
      replies.push(services.lease.leaseKeepAlive(request), settled);
      if (isBehind()) call.pause();
    });
    call.on('end', () => {
      hasEnded = true;
      if (replies.pendingCount === 0) call.end();
    });
  };
  return ((call: KeepAlives) => void serve(call)) as unknown as Handler;
}
