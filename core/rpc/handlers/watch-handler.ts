import type { ServerDuplexStream } from '@grpc/grpc-js';
import { callerReasonOf } from '../errors.js';
import type { WatchRequest, WatchResponse } from '../gen/watch.js';
import { Malformed } from '../malformed.js';
import type { ServedMember, WatchPort } from '../ports.js';
import { WatchSession } from '../watch.js';
import type { CallGate } from './call-gate.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Handler, HandlerParts, Stream } from './parts.js';

/** The handler of streams of watches. */
export function watchHandler(
  { member, limits, watchMessageBytesMax }: HandlerParts,
  gate: CallGate,
  lasting: LastingCalls,
): Handler {
  const settings = { ...limits, watchMessageBytesMax };
  const serve = async (call: ServerDuplexStream<WatchRequest, WatchResponse>) => {
    let session: WatchSession | undefined;
    const stream = lasting.open(call, () => session?.close());
    if (!lasting.admit(call, false, stream)) return;
    const port = await portFor(call, gate, member).catch((error: unknown) => stream.fail(error));
    if (port === undefined || !stream.isOpen()) return;
    const begun = (session = new WatchSession(port, member.clock, settings, {
      send: (response, sent) => call.write(response, sent),
      fail: stream.fail,
    }));
    call.on('data', (request: WatchRequest | Malformed) => {
      if (request instanceof Malformed) return stream.fail(request.error);
      begun.handle(request);
      if (begun.isBehind(() => call.resume())) call.pause();
    });
    // As in etcd, the watches of a client that asks for nothing more go on. Without any, nothing can come any more.
    call.on('end', () => {
      if (begun.isIdle) call.end();
    });
  };
  return ((call: ServerDuplexStream<WatchRequest, WatchResponse>) => void serve(call)) as unknown as Handler;
}

/** A stream whose caller is not known opens all the same, as etcd's does; it is its watches that are refused. */
async function portFor(call: Stream, gate: CallGate, served: ServedMember): Promise<WatchPort> {
  try {
    const { member } = await gate.servicesFor(call);
    return member;
  } catch (error) {
    if (callerReasonOf(error) === undefined) throw error;
    return refusingWatches(served, error as Error);
  }
}

/** Answers, in the words of a member, that whoever asks may not watch. */
function refusingWatches(member: ServedMember, error: Error): WatchPort {
  const { clusterId, memberId, term, revision } = member;
  return {
    ...{ clusterId, memberId, term, revision },
    watch: () => {
      throw error;
    },
  };
}
