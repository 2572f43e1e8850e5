import type { Clock, Timer } from '../../base/clock.js';
import { SnapshotTransferError } from '../../base/errors.js';
import type { Greeting, PeerAddress, PeerHandler, PeerMessage, PeerTransport, Refused } from '../../peer/types.js';
import type { InstallSnapshotRequest, MemberId } from '../../raft/types.js';
import type { NodeClock } from './node-clock.js';

/** How long a message takes from one member to another. */
const DELAY_MS = 1;
/** How often a connection that is down is tried again. */
const REDIAL_MS = 100;

/** A member on the network. */
interface Station {
  readonly greeting: Greeting;
  readonly handler: PeerHandler;
  readonly clock: NodeClock;
  readonly transport: MemoryTransport;
}

/** What a test wants of a message that is on its way. */
export type Fate = 'deliver' | 'lose' | { readonly delayMs: number };

/**
 * A network of members in one process. Messages take time and keep their order, as on a connection; a test may cut ways,
 * in one direction or both, and decide about single messages.
 */
export class MemberNetwork {
  readonly #clock: Clock;
  readonly #stations = new Map<MemberId, Station>();
  readonly #cut = new Set<string>();
  /** When the last message of a way arrives: none overtakes another. */
  readonly #arrivals = new Map<string, number>();
  readonly refusals: { by: MemberId; of: MemberId; refused: Refused }[] = [];
  /** Frames that were sent. */
  frames = 0;
  /** Asked about every message. */
  fate: (from: MemberId, to: MemberId, message: PeerMessage) => Fate = () => 'deliver';
  /** Asked about every chunk of a snapshot. */
  chunkFate: (from: MemberId, to: MemberId, chunk: number) => 'deliver' | 'break' = () => 'deliver';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives a member its way to the others. */
  join(greeting: Greeting, handler: PeerHandler, clock: NodeClock): MemoryTransport {
    const transport = new MemoryTransport(this, greeting, handler, clock);
    this.#stations.set(greeting.memberId, { greeting, handler, clock, transport });
    return transport;
  }

  /** A process has ended: whoever was connected to it sees that. */
  leave(id: MemberId): void {
    if (!this.#stations.delete(id)) return;
    for (const { transport } of this.#stations.values()) transport.lost(id);
  }

  /** Cuts the way from one member to another. */
  cut(from: MemberId, to: MemberId): void {
    this.#cut.add(way(from, to));
  }

  isolate(id: MemberId, others: readonly MemberId[]): void {
    for (const other of others) {
      if (other === id) continue;
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  station(id: MemberId): Station | undefined {
    return this.#stations.get(id);
  }

  isCut(from: MemberId, to: MemberId): boolean {
    return this.#cut.has(way(from, to)) || this.#cut.has(way(to, from));
  }

  carry(from: MemberId, to: MemberId, messages: readonly PeerMessage[]): void {
    this.frames += 1;
    const fates = messages.map((message) => this.fate(from, to, message));
    const kept = messages.filter((_, i) => fates[i] !== 'lose');
    if (kept.length === 0) return;
    const delays = fates.map((fate) => (typeof fate === 'object' ? fate.delayMs : DELAY_MS));
    const key = way(from, to);
    const atMs = Math.max(this.#clock.now() + Math.max(...delays), this.#arrivals.get(key) ?? 0);
    this.#arrivals.set(key, atMs);
    const sender = this.#stations.get(from);
    this.#clock.after(atMs - this.#clock.now(), () => {
      // What is under way when the sender dies has left; what meets a cut is lost.
      const station = this.#stations.get(to);
      if (station === undefined || sender === undefined || this.#cut.has(key)) return;
      station.transport.deliver(from, kept);
    });
  }
}

export class MemoryTransport implements PeerTransport {
  readonly urls: readonly string[] = [];
  readonly #network: MemberNetwork;
  readonly #greeting: Greeting;
  readonly #handler: PeerHandler;
  readonly #clock: NodeClock;
  #peers: readonly MemberId[] = [];
  readonly #connectedSince = new Map<MemberId, number>();
  #waiting: (() => void)[] = [];
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(network: MemberNetwork, greeting: Greeting, handler: PeerHandler, clock: NodeClock) {
    this.#network = network;
    this.#greeting = greeting;
    this.#handler = handler;
    this.#clock = clock;
    clock.onResume = () => {
      for (const deliver of this.#waiting.splice(0)) deliver();
    };
    this.#redial();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = peers.map(({ id }) => id);
    for (const id of this.#connectedSince.keys()) if (!this.#peers.includes(id)) this.#connectedSince.delete(id);
    this.#clock.after(0, () => this.#dial());
  }

  send(to: MemberId, messages: readonly PeerMessage[]): void {
    if (this.#isClosed || !this.#clock.isRunning) return;
    if (this.isConnected(to)) return this.#network.carry(this.#greeting.memberId, to, messages);
    this.#clock.after(0, () => !this.#isClosed && this.#handler.onUnreachable(to));
  }

  async sendSnapshot(
    to: MemberId,
    announcement: InstallSnapshotRequest,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const station = this.#network.station(to);
    if (station === undefined) throw new SnapshotTransferError(to, 'there is nobody');
    await station.handler.onSnapshot(this.#greeting.memberId, announcement, this.#relayed(to, chunks, signal));
  }

  isConnected(id: MemberId): boolean {
    return this.#connectedSince.has(id) && !this.#network.isCut(this.#greeting.memberId, id);
  }

  connectedSince(id: MemberId): number | undefined {
    return this.isConnected(id) ? this.#connectedSince.get(id) : undefined;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#network.leave(this.#greeting.memberId);
  }

  /** For the network: messages have arrived. */
  deliver(from: MemberId, messages: readonly PeerMessage[]): void {
    if (this.#isClosed || !this.#peers.includes(from)) return;
    if (this.#clock.isRunning) this.#handler.onMessages(from, messages);
    else this.#waiting.push(() => this.deliver(from, messages));
  }

  /** For the network: the process of another member has ended. */
  lost(id: MemberId): void {
    if (!this.#connectedSince.delete(id)) return;
    this.#clock.after(1, () => {
      if (this.#isClosed) return;
      this.#handler.onUnreachable(id);
      if (this.#network.station(id) === undefined) this.#handler.onGone(id);
    });
  }

  #redial(): void {
    this.#timer = this.#clock.after(REDIAL_MS, () => {
      this.#redial();
      this.#dial();
    });
  }

  #dial(): void {
    for (const id of this.#peers) {
      const other = this.#network.station(id);
      const self = this.#greeting.memberId;
      if (this.#isClosed || other === undefined || this.#network.isCut(self, id) || !other.clock.isRunning) continue;
      const refused = other.handler.accept(this.#greeting);
      if (refused !== undefined) {
        this.#connectedSince.delete(id);
        this.#network.refusals.push({ by: id, of: self, refused });
        this.#handler.onRefused(id, refused);
      } else if (this.#handler.accept(other.greeting) !== undefined) this.#connectedSince.delete(id);
      else if (!this.#connectedSince.has(id)) this.#connectedSince.set(id, this.#clock.now());
    }
  }

  async *#relayed(to: MemberId, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const from = this.#greeting.memberId;
    let count = 0;
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      const isBroken = this.#network.isCut(from, to) || this.#network.chunkFate(from, to, count) === 'break';
      if (isBroken || this.#network.station(to) === undefined)
        throw new SnapshotTransferError(to, 'the connection broke');
      count += 1;
      yield Uint8Array.from(chunk);
    }
  }
}

function way(from: MemberId, to: MemberId): string {
  return `${from}>${to}`;
}
