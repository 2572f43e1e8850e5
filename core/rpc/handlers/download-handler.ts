import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import { Malformed } from '../malformed.js';
import { sendAll } from '../paced-stream.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Call, Handler } from './parts.js';

/** A method of one request that `Who` answers with many messages. */
export interface Download<Who, Request, Response> {
  /** What there are at most so many of at one time. */
  readonly what: string;
  readonly most: number;
  /** How long a client may take nothing. */
  readonly stallMs: number;
  /** Whether a learner answers too. */
  readonly forLearners: boolean;
  readonly messages: (who: Who, request: Request, signal: AbortSignal) => AsyncIterable<Response>;
  /** What is answered for an error. Absent: the error. */
  readonly sent?: (error: unknown) => unknown;
}

/** How long a client may take nothing where there is little to take. */
export const NO_HURRY_MS = 600_000;

/** What all downloads share. */
export interface Downloads<Who> {
  readonly lasting: LastingCalls;
  readonly clock: Clock;
  /** Throws if the call may not be made. */
  readonly who: (call: Call) => Promise<Who>;
}

/** The handler of such a method: it sends no faster than its client takes. */
export function downloadHandler<Who, Request, Response>(
  { lasting, clock, who }: Downloads<Who>,
  { what, most, stallMs, forLearners, messages, sent = (error) => error }: Download<Who, Request, Response>,
): Handler {
  const send = async (call: ServerWritableStream<Request, Response>) => {
    const ending = new AbortController();
    const { signal } = ending;
    const stream = lasting.open(call, () => ending.abort());
    if (call.request instanceof Malformed) return stream.fail(call.request.error);
    if (!lasting.admit(call, forLearners, stream)) return;
    let release = () => {};
    try {
      const answering = await who(call);
      if (!stream.isOpen()) return;
      release = lasting.count(what, most);
      await sendAll(call, messages(answering, call.request, signal), { clock, stallMs, signal });
      if (!signal.aborted) call.end();
    } catch (error) {
      stream.fail(sent(error));
    } finally {
      release();
    }
  };
  return ((call: ServerWritableStream<Request, Response>) => void send(call)) as unknown as Handler;
}
