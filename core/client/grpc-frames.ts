/** What gRPC puts on HTTP/2: messages behind a prefix, and a status in the trailers. */
import { constants, type IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';

const PREFIX_BYTES = 5;
/** No member sends as much; a length beyond it is no length. */
const MESSAGE_BYTES_MAX = 2 ** 30;

/** How a call ended, in gRPC's terms. */
export interface Ending {
  readonly code: status;
  readonly details: string;
}

/** A message with its prefix: not compressed, and so many bytes. */
export function toFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Puts the messages of one stream together from the pieces in which they come. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /**
   * @returns the messages that are whole with this piece; they may share its memory
   * @throws RangeError if it is not gRPC, or compressed, which was not asked for
   */
  read(piece: Buffer): Buffer[] {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    const messages: Buffer[] = [];
    for (let next = this.#next(); next; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): Buffer | undefined {
    if (this.#bytes < PREFIX_BYTES) return undefined;
    // A prefix is mostly in one piece; then nothing is copied until its message is whole.
    const first = this.#pieces[0] as Buffer;
    const prefix = first.length >= PREFIX_BYTES ? first : this.#join();
    if (prefix[0] !== 0) throw new RangeError('a message is compressed');
    const end = PREFIX_BYTES + prefix.readUInt32BE(1);
    if (end > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${end} bytes is larger than ${MESSAGE_BYTES_MAX}`);
    if (this.#bytes < end) return undefined;
    const all = this.#join();
    this.#pieces = all.length > end ? [all.subarray(end)] : [];
    this.#bytes -= end;
    return all.subarray(PREFIX_BYTES, end);
  }

  #join(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] as Buffer;
  }
}

/** The status that headers or trailers carry; undefined if they carry none. */
export function endingOf(headers: IncomingHttpHeaders): Ending | undefined {
  const code = headers['grpc-status'];
  if (typeof code !== 'string') return undefined;
  const details = headers['grpc-message'];
  return { code: Number(code), details: typeof details === 'string' ? unescaped(details) : '' };
}

/**
 * What an answer means that is not gRPC, such as a proxy's; undefined if it may be gRPC.
 *
 * @remarks Source: gRPC over HTTP/2, "HTTP to gRPC Status Code Mapping".
 */
export function endingOfHttp(headers: IncomingHttpHeaders): Ending | undefined {
  const code = headers[constants.HTTP2_HEADER_STATUS] as unknown as number | undefined;
  if (code === undefined || code === 200) return undefined;
  return { code: HTTP_MEANINGS[code] ?? status.UNKNOWN, details: `the answer has the HTTP status ${code}` };
}

const HTTP_MEANINGS: Readonly<Record<number, status>> = {
  400: status.INTERNAL,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.UNIMPLEMENTED,
  429: status.UNAVAILABLE,
  502: status.UNAVAILABLE,
  503: status.UNAVAILABLE,
  504: status.UNAVAILABLE,
};

/** Texts travel percent-encoded; one that is not well-formed is shown as it came. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
