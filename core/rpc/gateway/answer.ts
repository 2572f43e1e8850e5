import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../base/clock.js';
import type { WireError } from '../errors.js';
import { failureJson, httpStatusOf } from './answers.js';

const CONTENT_TYPE = { 'content-type': 'application/json' } as const;
/** Says that the answer came from a service (etcd: the same). */
const FROM_SERVICE = { 'grpc-metadata-content-type': 'application/grpc' } as const;
/** Bytes that are handed to the connection at a time: as long as they leave, the client is not too slow. */
const PIECE_BYTES = 256 * 1024;

/** An answer on its way to a client, no faster than the client takes it. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #pace: { readonly clock: Clock; readonly stallMs: number };
  #hasEnded = false;
  #isWriting = false;

  constructor(response: ServerResponse, pace: { readonly clock: Clock; readonly stallMs: number }) {
    this.#response = response;
    this.#pace = pace;
    // A connection that broke is told by its closing.
    response.on('error', () => undefined);
  }

  /** Whether nothing more can be said. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.#response.destroyed;
  }

  /** Calls back once, when the client has all, or is gone. */
  onEnded(callback: (isComplete: boolean) => void): void {
    this.#response.once('close', () => callback(this.#hasEnded && this.#response.writableFinished));
  }

  /** The one answer of a call. */
  send(json: unknown): void {
    this.#end(200, FROM_SERVICE, JSON.stringify(json));
  }

  /** The call failed. */
  fail(failure: WireError): void {
    if (this.hasEnded) return;
    this.#end(httpStatusOf(failure), {}, JSON.stringify(failureJson(failure)));
  }

  /** One of several answers, on a line of its own. @param written - called when there is room for another */
  line(json: object, written: (error?: Error) => void): void {
    if (this.hasEnded) return written();
    if (!this.#response.headersSent) this.#response.writeHead(200, { ...CONTENT_TYPE, ...FROM_SERVICE });
    this.#write(Buffer.from(`${JSON.stringify(json)}\n`), written);
  }

  /** The last of several answers was given. @param failure - why no more come, if not because there are no more */
  endLines(failure: WireError | undefined): void {
    if (this.hasEnded) return;
    const response = this.#response;
    this.#hasEnded = true;
    // A line that its client has not taken yet cannot be ended in good order.
    if (this.#isWriting) return void response.destroy();
    if (!response.headersSent) response.writeHead(failure ? httpStatusOf(failure) : 200, CONTENT_TYPE);
    response.end(failure && `${JSON.stringify({ error: failureJson(failure) })}\n`);
    this.#limitFlush();
  }

  #end(httpStatus: number, headers: Readonly<Record<string, string>>, text: string): void {
    const body = Buffer.from(text);
    this.#hasEnded = true;
    this.#response.writeHead(httpStatus, { ...CONTENT_TYPE, ...headers, 'content-length': body.length });
    this.#write(body, () => {
      this.#response.end();
      this.#limitFlush();
    });
  }

  /** Writes piece by piece, each when there is room for it. */
  #write(bytes: Buffer, written: (error?: Error) => void): void {
    const response = this.#response;
    if (response.destroyed) return written();
    let at = 0;
    let timer: Timer | undefined;
    this.#isWriting = true;
    const settle = () => {
      this.#isWriting = false;
      timer?.cancel();
      response.off('drain', next).off('close', settle);
      written();
    };
    const next = () => {
      timer?.cancel();
      while (at < bytes.length) {
        const hasRoom = response.write(bytes.subarray(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        if (hasRoom) continue;
        timer = this.#limit();
        return;
      }
      settle();
    };
    response.on('drain', next).on('close', settle);
    next();
  }

  /** What is left to send after the end is bounded too. */
  #limitFlush(): void {
    const timer = this.#limit();
    this.#response.once('close', () => timer.cancel());
  }

  #limit(): Timer {
    return this.#pace.clock.after(this.#pace.stallMs, () => this.#response.destroy());
  }
}
