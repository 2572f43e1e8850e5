import type { IncomingMessage } from 'node:http';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import { Refusal, tooLarge } from './answers.js';
import { type JsonLimits, JsonValues } from './json-values.js';

/** What bounds the bodies of requests. */
export interface BodyLimits extends JsonLimits {
  /** How long a body may take to arrive, where it has one value. */
  readonly bodyMs: number;
}

/** Room for bodies that arrive, all of them together. */
export class BodyRoom {
  #bytes = 0;

  constructor(readonly bytesMax: number) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {@link Refusal} if there is no room for so much more */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.bytesMax) {
      const text = `requests of more than ${this.bytesMax} bytes together are arriving, the most that is taken`;
      throw new Refusal({ grpc: status.RESOURCE_EXHAUSTED, text });
    }
    this.#bytes += bytes;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/**
 * The first JSON value of a body; what follows it is not looked at, and an empty body is an empty message: both as etcd
 * has it.
 *
 * @throws {@link Refusal}, {@link InvalidArgumentError} if it is too large, too slow, too deep or no JSON, or if the client
 * went away
 */
export function readBody(request: IncomingMessage, limits: BodyLimits, room: BodyRoom, clock: Clock): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const values = new JsonValues(limits);
    let bytes = 0;
    let first: { readonly value: unknown } | undefined;
    const settle = (act: () => void) => {
      timer.cancel();
      room.release(bytes);
      bytes = 0;
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      act();
    };
    const attempt = (act: () => void) => {
      try {
        act();
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const keep = (found: Generator<unknown, void, undefined>) => {
      const { done, value } = found.next();
      if (done !== true) first = { value };
    };
    const onData = (chunk: Buffer) =>
      attempt(() => {
        room.take(chunk.length);
        bytes += chunk.length;
        if (bytes > limits.bytesMax) throw new Refusal(tooLarge('the body', limits.bytesMax));
        if (first === undefined) keep(values.push(chunk));
      });
    const onEnd = () =>
      attempt(() => {
        if (first === undefined) keep(values.end());
        settle(() => resolve(first === undefined ? {} : first.value));
      });
    const onClose = () => settle(() => reject(new Refusal({ grpc: status.CANCELLED, text: 'the client went away' })));
    const timer = clock.after(limits.bodyMs, () => {
      const text = `the body did not arrive within ${limits.bodyMs} ms`;
      settle(() => reject(new Refusal({ grpc: status.DEADLINE_EXCEEDED, text })));
    });
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
