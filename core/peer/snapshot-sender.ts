import { createHash } from 'node:crypto';
import type { Timer } from '../base/clock.js';
import { ClosedError, SnapshotTransferError } from '../base/errors.js';
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import type { BytePacer } from './byte-pacer.js';
import { boundOf, writeMessage } from './codec.js';
import { dial } from './dial.js';
import { encodeFrame, headerOf, KIND } from './frame.js';
import { decodeVerdict, decodeWelcome, encodeEnd, encodeHello } from './greeting.js';
import type { Link } from './link.js';
import { CHUNK_BYTES_MAX } from './snapshot-receiver.js';
import { judgeWelcome, type Surroundings } from './surroundings.js';
import { MalformedError } from './wire-reader.js';

/** What is sent, and to whom. */
export interface SnapshotToSend {
  readonly to: MemberId;
  readonly url: string;
  readonly announcement: InstallSnapshotRequest;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One snapshot on its way, on a connection of its own. */
export class SnapshotSender {
  readonly #snapshot: SnapshotToSend;
  readonly #shared: Surroundings;
  readonly #pacer: BytePacer;
  #link: Link | undefined;
  #hasSentAll = false;
  /** How it went; undefined while it goes on. */
  #result: { readonly error?: unknown } | undefined;
  /** Wakes the step that is waited for. */
  #wake: (goesOn: boolean) => void = () => {};

  constructor(snapshot: SnapshotToSend, shared: Surroundings, pacer: BytePacer) {
    this.#snapshot = snapshot;
    this.#shared = shared;
    this.#pacer = pacer;
  }

  /** @throws as `PeerTransport.sendSnapshot` */
  async send(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const onAbort = () => this.#settle({ error: signal.reason });
    signal.addEventListener('abort', onAbort, { once: true });
    let hangUp = () => {};
    try {
      if (await this.#stepOfPeer((done) => (hangUp = this.#dial(done)))) await this.#stream();
    } finally {
      signal.removeEventListener('abort', onAbort);
      hangUp();
    }
    const error: unknown = this.#result?.error;
    if (error !== undefined) throw error as Error;
  }

  /** Gives it up. */
  close(): void {
    this.#settle({ error: new ClosedError('the transport between members') });
  }

  #dial(opened: () => void): () => void {
    const { to, url, announcement } = this.#snapshot;
    const { greeting, handler, sockets, tls, clock, limits, pulse } = this.#shared;
    return dial({
      url,
      sockets,
      tls,
      hello: encodeHello({ purpose: 'snapshot', greeting, target: to }),
      clock,
      limits,
      isHeld: true,
      judge: (kind, body) => {
        if (kind !== KIND.welcome) throw new MalformedError(`a frame of kind ${kind} instead of a welcome`);
        return judgeWelcome(decodeWelcome(body), to, handler);
      },
      onOpen: (link) => {
        this.#link = link;
        pulse.add(link);
        link.write([
          encodeFrame(KIND.announcement, boundOf(announcement), (writer) => writeMessage(writer, announcement)),
        ]);
        opened();
      },
      onFrame: (kind, body) => this.#heard(kind, body),
      onClose: ({ why }) => this.#fail(why),
      onFailure: ({ why }) => this.#fail(why),
    });
  }

  #heard(kind: number, body: Buffer): void {
    if (kind !== KIND.verdict) throw new MalformedError(`a frame of kind ${kind} instead of a verdict`);
    const verdict = decodeVerdict(body);
    if (!verdict.isTaken) this.#fail(verdict.reason);
    else if (this.#hasSentAll) this.#settle({});
    else this.#fail('the other end says that it has what was not sent yet');
  }

  async #stream(): Promise<void> {
    const iterator = this.#snapshot.chunks[Symbol.asyncIterator]();
    const sha256 = createHash('sha256');
    const pieceBytes = Math.min(CHUNK_BYTES_MAX, this.#pacer.pieceBytesMax);
    let bytes = 0;
    try {
      for (;;) {
        const chunk = await this.#pull(iterator);
        if (this.#result !== undefined) return;
        if (chunk === undefined) break;
        sha256.update(chunk);
        bytes += chunk.length;
        for (let at = 0; at < chunk.length; at += pieceBytes) {
          if (!(await this.#writePiece(chunk.subarray(at, at + pieceBytes)))) return;
        }
      }
    } finally {
      // Not waited for: a source that is in the middle of a chunk may take as long as it likes to hear of it.
      if (this.#result !== undefined) iterator.return?.().catch(() => {});
    }
    await this.#stepOfPeer(() => {
      this.#hasSentAll = true;
      this.#link?.write([encodeEnd(bytes, sha256.digest())]);
    });
  }

  /** @returns undefined if there is nothing more, or the transfer is over */
  async #pull(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    let pulled: Uint8Array | undefined;
    await this.#step((done) => {
      iterator.next().then(
        (next) => {
          if (next.done !== true) pulled = next.value;
          done();
        },
        (error: unknown) => this.#settle({ error }),
      );
    });
    return pulled;
  }

  /** Sends a piece, when the receiver has room for it, and then lets others have their turn. */
  async #writePiece(piece: Uint8Array): Promise<boolean> {
    const waitMs = this.#pacer.take(piece.length);
    if (!(await this.#stepOfPeer((done) => this.#link?.write([headerOf(KIND.chunk, piece), piece], done))))
      return false;
    return waitMs === 0 ? this.#step((done) => this.#shared.clock.soon(done)) : this.#pause(waitMs);
  }

  async #pause(waitMs: number): Promise<boolean> {
    let timer: Timer | undefined;
    const goesOn = await this.#step((done) => {
      timer = this.#shared.clock.after(waitMs, done);
      timer.hold?.();
    });
    timer?.cancel();
    return goesOn;
  }

  /** Waits for the other end, though not for ever. */
  async #stepOfPeer(start: (done: () => void) => void): Promise<boolean> {
    const { snapshotStallMs } = this.#shared.limits;
    const timer = this.#shared.clock.after(snapshotStallMs, () =>
      this.#fail(`it stood still for ${snapshotStallMs} ms because of the other end`),
    );
    timer.hold?.();
    const goesOn = await this.#step(start);
    timer.cancel();
    return goesOn;
  }

  /**
   * Waits until `done` is called, or the transfer is over.
   *
   * @returns whether it goes on
   */
  #step(start: (done: () => void) => void): Promise<boolean> {
    if (this.#result !== undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#wake = resolve;
      start(() => resolve(this.#result === undefined));
    });
  }

  #fail(why: string): void {
    this.#settle({ error: new SnapshotTransferError(this.#snapshot.to, why) });
  }

  #settle(result: { readonly error?: unknown }): void {
    this.#result ??= result;
    this.#wake(false);
  }
}
