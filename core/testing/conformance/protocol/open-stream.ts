import { status, type ServiceError } from '@grpc/grpc-js';
import type { RawStream } from '../../../rpc/testing/raw-client.js';
import { within } from './deadline.js';
import type { Failure } from './rule.js';

const ANSWER_MS = 8_000;

/** What a stream brings next: a message, or its end. */
export type Arrival = { readonly message: object; readonly isJson?: boolean } | { readonly end: Failure };

/** A stream that a case has opened. */
export interface OpenStream {
  send(request: object): void;
  /** @throws if nothing comes within some seconds */
  next(): Promise<Arrival>;
  end(): void;
  cancel(): void;
}

/** How a call ended, in the words of the table. */
export function toFailure(error: ServiceError): Failure {
  return { kind: 'failure', code: status[error.code] ?? String(error), text: error.details ?? '' };
}

/** A stream of gRPC. */
export class GrpcStream implements OpenStream {
  readonly #raw: RawStream<object, object>;
  readonly #ended: Promise<Arrival>;

  constructor(raw: RawStream<object, object>) {
    this.#raw = raw;
    this.#ended = raw.ended.then((error) => ({
      end: error ? toFailure(error) : { kind: 'failure', code: 'OK', text: '' },
    }));
  }

  send(request: object): void {
    this.#raw.send(request);
  }

  next(): Promise<Arrival> {
    const message = this.#raw.next().then((arrived) => ({ message: arrived }));
    return within(ANSWER_MS, 'a message', Promise.race([message, this.#ended]));
  }

  end(): void {
    this.#raw.halfClose();
  }

  cancel(): void {
    this.#raw.cancel();
  }
}

/** A stream of the HTTP gateway: JSON, one object a line. */
export class HttpStream implements OpenStream {
  readonly #aborting = new AbortController();
  readonly #lines: AsyncGenerator<string, void, undefined>;

  constructor(url: string, body: string, headers: Readonly<Record<string, string>>) {
    this.#lines = linesOf(fetch(url, { method: 'POST', body, headers, signal: this.#aborting.signal }));
  }

  send(): void {
    throw new Error('a stream of HTTP has one request');
  }

  async next(): Promise<Arrival> {
    const next = await within(ANSWER_MS, 'a line', this.#lines.next());
    if (next.done) return { end: { kind: 'failure', code: 'OK', text: '' } };
    return { message: JSON.parse(next.value) as object, isJson: true };
  }

  end(): void {
    this.cancel();
  }

  cancel(): void {
    this.#aborting.abort();
  }
}

async function* linesOf(answer: Promise<Response>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of (await answer).body ?? []) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (rest !== '') yield rest;
}
