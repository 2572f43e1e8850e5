import { createHash } from 'node:crypto';
import type { Timer } from '../base/clock.js';
import { SnapshotTransferError } from '../base/errors.js';
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import { ChunkStream } from './chunk-stream.js';
import { KIND } from './frame.js';
import { decodeEnd, encodeVerdict, type Verdict } from './greeting.js';
import type { Link } from './link.js';
import { hex, type Surroundings } from './surroundings.js';
import { MalformedError } from './wire-reader.js';

/** The largest chunk that travels as one frame. */
export const CHUNK_BYTES_MAX = 256 * 1024;
/** What may wait for the member; past it the sender is not read. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** One snapshot that arrives: its chunks go to the member, the member's verdict goes back. */
export class SnapshotReceiver {
  readonly #link: Link;
  readonly #from: MemberId;
  readonly #shared: Surroundings;
  readonly #stream = new ChunkStream(() => this.#resume());
  readonly #sha256 = createHash('sha256');
  #bytes = 0;
  #isPaused = false;
  /** Whether all of it has come. */
  #hasEnd = false;
  /** Why it cannot be taken, whatever the member makes of it. */
  #failure: Error | undefined;
  /** Wakes who waits for the end, or for the connection's. */
  #onOver: () => void = () => {};
  #hasVerdict = false;
  #stall: Timer | undefined;
  /** Resolves when the member is done with it, in whatever way. */
  readonly settled: Promise<void>;

  constructor(link: Link, from: MemberId, announcement: InstallSnapshotRequest, shared: Surroundings) {
    this.#link = link;
    this.#from = from;
    this.#shared = shared;
    this.#expectMore();
    this.settled = this.#receive(announcement);
  }

  hear(kind: number, body: Buffer): void {
    // The sender did not know of the verdict yet when it sent this.
    if (this.#hasVerdict) return;
    if (this.#hasEnd) throw new MalformedError(`a frame of kind ${kind} after the end of a snapshot`);
    if (kind === KIND.end) return this.#heardEnd(body);
    if (kind !== KIND.chunk) throw new MalformedError(`a frame of kind ${kind} within a snapshot`);
    if (body.length === 0 || body.length > CHUNK_BYTES_MAX) {
      throw new MalformedError(`a chunk of ${body.length} bytes; at least 1, at most ${CHUNK_BYTES_MAX}`);
    }
    this.#sha256.update(body);
    this.#bytes += body.length;
    this.#stream.push(body);
    this.#expectMore();
    if (this.#stream.waitingBytes <= WAITING_BYTES_MAX) return;
    this.#isPaused = true;
    this.#link.pause();
  }

  /** The connection ended. */
  closed(why: string): void {
    this.#stall?.cancel();
    if (!this.#hasEnd) this.#fail(why);
    this.#onOver();
  }

  /** Gives it up, as if the connection had broken. */
  abort(why: string): void {
    this.#link.destroy(why);
    this.closed(why);
  }

  async #receive(announcement: InstallSnapshotRequest): Promise<void> {
    const verdict = await this.#judge(announcement);
    this.#hasVerdict = true;
    // The sender closes when it has heard. If we did, what it still sends would drown the verdict.
    this.#link.write([encodeVerdict(verdict)]);
    this.#resume();
    this.#expectMore();
    const fields = { member: hex(this.#from), bytes: this.#bytes };
    if (verdict.isTaken) this.#shared.log.info(hex(this.#from), fields, 'received a snapshot');
    else this.#shared.log.warn(hex(this.#from), { ...fields, why: verdict.reason }, 'did not take a snapshot');
  }

  async #judge(announcement: InstallSnapshotRequest): Promise<Verdict> {
    try {
      await this.#shared.handler.onSnapshot(this.#from, announcement, this.#stream);
    } catch (error) {
      return { isTaken: false, reason: error instanceof Error ? error.message : String(error) };
    }
    await this.#over();
    return this.#failure === undefined ? { isTaken: true } : { isTaken: false, reason: this.#failure.message };
  }

  /** A member may know that it has all before the end has come, which has the checksum. */
  async #over(): Promise<void> {
    await this.#stream.return();
    if (this.#hasEnd || this.#failure !== undefined) return;
    await new Promise<void>((resolve) => (this.#onOver = resolve));
  }

  #fail(why: string): void {
    this.#failure ??= new SnapshotTransferError(this.#from, why);
    this.#stream.fail(this.#failure);
  }

  #heardEnd(body: Buffer): void {
    const { bytes, sha256 } = decodeEnd(body);
    this.#hasEnd = true;
    this.#stall?.cancel();
    if (bytes === this.#bytes && this.#sha256.digest().equals(sha256)) this.#stream.end();
    else this.#fail('what arrived is not what was sent');
    this.#onOver();
  }

  #resume(): void {
    if (!this.#isPaused || (this.#stream.waitingBytes > WAITING_BYTES_MAX / 2 && !this.#hasVerdict)) return;
    this.#isPaused = false;
    this.#link.resume();
    this.#expectMore();
  }

  /** Something has to come from the sender, and in time, unless it is we who do not read. */
  #expectMore(): void {
    this.#stall?.cancel();
    if (this.#link.isClosed || (this.#hasEnd && !this.#hasVerdict)) return;
    const { snapshotStallMs } = this.#shared.limits;
    this.#stall = this.#shared.clock.after(snapshotStallMs, () => {
      if (this.#isPaused) this.#expectMore();
      else this.abort(`nothing of the snapshot came for ${snapshotStallMs} ms`);
    });
  }
}
