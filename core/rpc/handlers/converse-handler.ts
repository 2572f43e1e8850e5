import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Malformed } from '../malformed.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Handler } from './parts.js';

/** A stream of requests, each of which is answered at once, with one message. */
export interface Conversation<Request, Response> {
  /** What there are at most so many of at one time. */
  readonly what: string;
  readonly most: number;
  /** Whether a learner answers too. */
  readonly forLearners: boolean;
  /** What answers the requests of one stream; the stream ends with what it throws. */
  readonly begin: () => (request: Request) => Response;
}

/** The handler of such a method: it reads no faster than its client takes the answers. */
export function converseHandler<Request, Response>(
  lasting: LastingCalls,
  { what, most, forLearners, begin }: Conversation<Request, Response>,
): Handler {
  const serve = (call: ServerDuplexStream<Request, Response>) => {
    let release = () => {};
    const stream = lasting.open(call, () => release());
    if (!lasting.admit(call, forLearners, stream)) return;
    try {
      release = lasting.count(what, most);
    } catch (error) {
      return stream.fail(error);
    }
    const answer = begin();
    call.on('data', (request: Request | Malformed) => {
      // What came in behind a failure is not answered any more.
      if (!stream.isOpen()) return;
      try {
        if (request instanceof Malformed) throw request.error;
        if (!call.write(answer(request))) call.pause();
      } catch (error) {
        stream.fail(error);
      }
    });
    call.on('drain', () => call.resume());
    call.on('end', () => call.end());
  };
  return serve as unknown as Handler;
}
