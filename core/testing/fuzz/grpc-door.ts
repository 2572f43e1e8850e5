import { RawClient, type RawStream } from '../../rpc/testing/raw-client.js';
import type { CallMade } from './door.js';
import type { Method } from './draw/methods.js';

type Headers = Readonly<Record<string, string>>;
type Stream = RawStream<Buffer, Buffer>;

/** Calls by gRPC, on one connection. Messages of one path and caller share a stream until it is let go. */
export class GrpcDoor {
  readonly #raw: RawClient;
  readonly #streams = new Map<string, Stream>();

  constructor(address: { readonly host: string; readonly port: number }) {
    this.#raw = new RawClient(address);
  }

  /** Makes a call. A message of a stream that is open makes none. */
  make({ path, carries }: Method, message: Buffer, headers: Headers): CallMade | undefined {
    switch (carries) {
      case 'watch':
      case 'keepAlive':
        return this.#say(path, message, headers, carries === 'watch');
      default: {
        // On the wire there is no difference between one answer and several: this way each can be cancelled.
        const call = this.#raw.download<Buffer, Buffer>(definitionOf(path), message, headers).drain();
        return { ended: call.ended, waits: carries === 'waits', cancel: () => call.cancel() };
      }
    }
  }

  /** Says that no more requests come on the streams, which are forgotten. */
  endStreams(): void {
    for (const stream of this.#streams.values()) stream.end();
    this.#streams.clear();
  }

  close(): void {
    this.#raw.close();
  }

  #say(path: string, message: Buffer, headers: Headers, waits: boolean): CallMade | undefined {
    const name = `${path} ${headers['token'] ?? ''}`;
    const known = this.#streams.get(name);
    const stream = known ?? this.#raw.stream<Buffer, Buffer>(definitionOf(path), headers).drain();
    this.#streams.set(name, stream);
    stream.send(message);
    if (known !== undefined) return undefined;
    // As long as something is watched, it goes on when nothing more is asked.
    return { ended: stream.ended, waits, cancel: () => stream.cancel() };
  }
}

function definitionOf(path: string): never {
  const same = (bytes: Buffer) => bytes;
  return { path, requestSerialize: same, responseDeserialize: same } as never;
}
