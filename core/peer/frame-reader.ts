import { checksumOf, FRAME_HEADER_BYTES, MAGIC, PREAMBLE_BYTES } from './frame.js';
import { MalformedError } from './wire-reader.js';

/** What the bytes of a connection turn out to be. */
export interface FrameSink {
  onPreamble(version: number): void;
  /** @param body - a view of what arrived, for whoever wants to keep it */
  onFrame(kind: number, body: Buffer): void;
}

/**
 * Cuts the bytes of one connection into its preamble and frames. A frame that came in one piece is handed out where it
 * lies; one that came in several is put together in memory that was asked for only after its length was checked.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The largest body that is read; it grows when it is known who sends. */
  bodyBytesMax: number;
  #hasPreamble = false;
  /** The beginning of a header or preamble whose rest has not come. */
  readonly #head = Buffer.alloc(PREAMBLE_BYTES);
  #headBytes = 0;
  /** The frame whose body is being put together. */
  #kind = 0;
  #checksum = 0;
  #body: Buffer | undefined;
  #bodyBytes = 0;
  #isStopped = false;

  constructor(bodyBytesMax: number, sink: FrameSink) {
    this.bodyBytesMax = bodyBytesMax;
    this.#sink = sink;
  }

  /** Hands out nothing more, also not of what is being read at this moment. */
  stop(): void {
    this.#isStopped = true;
    this.#body = undefined;
  }

  /** @throws {@link MalformedError} at the first byte that cannot be; nothing after it is read */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) {
      at = this.#body === undefined ? this.#readHead(chunk, at) : this.#readBody(chunk, at);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const wanted = this.#hasPreamble ? FRAME_HEADER_BYTES : PREAMBLE_BYTES;
    if (this.#headBytes === 0 && chunk.length - at >= wanted) return this.#takeHead(chunk, at, chunk, at + wanted);
    const taken = chunk.copy(this.#head, this.#headBytes, at, at + wanted - this.#headBytes);
    this.#headBytes += taken;
    if (!this.#hasPreamble) checkMagic(this.#head, 0, this.#headBytes);
    if (this.#headBytes < wanted) return at + taken;
    this.#headBytes = 0;
    return this.#takeHead(this.#head, 0, chunk, at + taken);
  }

  /** @param next - where what follows the head begins in `chunk` */
  #takeHead(head: Buffer, at: number, chunk: Buffer, next: number): number {
    if (!this.#hasPreamble) {
      checkMagic(head, at, MAGIC.length);
      this.#hasPreamble = true;
      this.#sink.onPreamble(head.readUInt32LE(at + MAGIC.length));
      return next;
    }
    const length = head.readUInt32LE(at);
    if (length > this.bodyBytesMax)
      throw new MalformedError(`a frame of ${length} bytes; at most ${this.bodyBytesMax}`);
    this.#checksum = head.readUInt32LE(at + 4);
    this.#kind = head[at + 8] as number;
    if (chunk.length - next >= length) {
      this.#handOut(chunk.subarray(next, next + length));
      return next + length;
    }
    this.#body = Buffer.allocUnsafeSlow(length);
    this.#bodyBytes = 0;
    return next;
  }

  #readBody(chunk: Buffer, at: number): number {
    const body = this.#body as Buffer;
    const taken = chunk.copy(body, this.#bodyBytes, at);
    this.#bodyBytes += taken;
    if (this.#bodyBytes === body.length) {
      this.#body = undefined;
      this.#handOut(body);
    }
    return at + taken;
  }

  #handOut(body: Buffer): void {
    if (checksumOf(this.#kind, body) !== this.#checksum) throw new MalformedError('a frame with a wrong checksum');
    this.#sink.onFrame(this.#kind, body);
  }
}

function checkMagic(bytes: Buffer, at: number, length: number): void {
  const compared = Math.min(length, MAGIC.length);
  if (bytes.compare(MAGIC, 0, compared, at, at + compared) !== 0) {
    throw new MalformedError('these are not the first bytes of a member');
  }
}
