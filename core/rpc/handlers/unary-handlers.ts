import type { MethodDefinition, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { ClosedError } from '../../base/errors.js';
import { Malformed } from '../malformed.js';
import { passedOn } from '../service-errors.js';
import type { CallGate } from './call-gate.js';
import type { LastingCalls } from './lasting-calls.js';
import type { Call, Handler } from './parts.js';

/** What is particular to a method of one request and one answer. */
export interface UnaryOptions<Request> {
  /** Whether a learner answers such a request too. Absent: never. */
  readonly forLearners?: (request: Request) => boolean;
  /** What is answered for an error. Absent: the error. */
  readonly sent?: (error: unknown) => unknown;
}

/** Handlers of calls of one request and one answer, which `Who` answers. */
export class UnaryHandlers<Who> {
  readonly #gate: CallGate;
  readonly #lasting: LastingCalls;
  readonly #who: (call: Call) => Promise<Who>;
  /** How many calls of one method may wait. */
  readonly #waitingMax: number;

  /** @param who - throws if the call may not be made */
  constructor(gate: CallGate, lasting: LastingCalls, who: (call: Call) => Promise<Who>, waitingMax: number) {
    this.#gate = gate;
    this.#lasting = lasting;
    this.#who = who;
    this.#waitingMax = waitingMax;
  }

  /** A method that is answered soon. */
  readonly soon = <Request, Response>(
    { path }: MethodDefinition<Request, Response>,
    answer: (who: Who, request: Request) => Promise<Response>,
    options: UnaryOptions<Request> = {},
  ): Handler =>
    this.#handler<Request, Response>(path, async (call, request) => answer(await this.#who(call), request), options);

  /** A method that may take as long as its client waits: a call ends with its client, and with the server. */
  readonly waiting = <Request, Response>(
    method: MethodDefinition<Request, Response>,
    answer: (who: Who, request: Request, signal: AbortSignal) => Promise<Response>,
  ): Handler => {
    const wait = async (call: ServerUnaryCall<Request, Response>, request: Request): Promise<Response> => {
      const ending = new AbortController();
      const end = (reason: Error) => ending.abort(reason);
      const release = this.#lasting.count(method.path, this.#waitingMax);
      const letGo = this.#lasting.add(end);
      call.on('cancelled', () => end(new ClosedError('the call')));
      if (call.cancelled) end(new ClosedError('the call'));
      try {
        return await answer(await this.#who(call), request, ending.signal);
      } catch (error) {
        // That the server closes is not the store's word, and another member may be asked.
        throw ending.signal.aborted ? ending.signal.reason : passedOn(error);
      } finally {
        letGo();
        release();
      }
    };
    return this.#handler(method.path, wait, {});
  };

  #handler<Request, Response>(
    path: string,
    answer: (call: ServerUnaryCall<Request, Response>, request: Request) => Promise<Response>,
    { forLearners = () => false, sent = (error) => error }: UnaryOptions<Request>,
  ): Handler {
    const handle = (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
      const { request } = call;
      if (request instanceof Malformed) return callback(this.#gate.toStatus(request.error));
      const audited = this.#gate.audited(path, call, request);
      const refuse = (error: unknown, answered: unknown) => {
        callback(this.#gate.toStatus(answered));
        audited?.refused(error);
      };
      const refusal = this.#gate.refusal(call, forLearners(request));
      if (refusal) return refuse(refusal, refusal);
      answer(call, request).then(
        (response) => {
          callback(null, response);
          audited?.answered(response);
        },
        (error: unknown) => refuse(error, sent(error)),
      );
    };
    return handle as Handler;
  }
}
