import type { Clock } from '../base/clock.js';
import { InvalidArgumentError, SnapshotTransferError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Prng } from '../base/prng.js';
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import { BytePacer } from './byte-pacer.js';
import { TlsMaterial } from '../tls/tls-material.js';
import { dialTlsOf } from './address.js';
import { Incoming } from './incoming.js';
import { DEFAULT_PEER_LIMITS, type PeerLimits } from './limits.js';
import { type ListenAddress, Listener, type Stranger } from './listener.js';
import { OutgoingPeer } from './outgoing-peer.js';
import { PacedLog } from '../base/paced-log.js';
import { Pulse } from './pulse.js';
import { SnapshotSender } from './snapshot-sender.js';
import { type Sockets, systemSockets } from './sockets.js';
import type { Surroundings } from './surroundings.js';
import type { Greeting, PeerAddress, PeerHandler, PeerMessage, PeerTls, PeerTransport } from './types.js';

/** Who we are, where we listen, and who hears what arrives. */
export interface PeersOptions {
  readonly greeting: Greeting;
  readonly listen: readonly ListenAddress[];
  readonly tls?: PeerTls;
  readonly handler: PeerHandler;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly limits?: Partial<PeerLimits>;
  /** Default: the operating system's. */
  readonly sockets?: Sockets;
}

/**
 * Listens for the other members. It connects to none before `setPeers` names them.
 *
 * @throws the operating system's error if an address cannot be listened on
 * @throws {@link InvalidArgumentError} if an address is to have TLS and there are no certificates, or they make no sense
 */
export async function startPeers(options: PeersOptions): Promise<PeerTransport> {
  if (options.tls === undefined && options.listen.some(({ isTls }) => isTls === true)) {
    throw new InvalidArgumentError('tls', undefined, 'the certificates with which to listen for https');
  }
  const transport = new SocketTransport(options, { ...DEFAULT_PEER_LIMITS, ...options.limits });
  try {
    await transport.listen();
  } catch (error) {
    await transport.close();
    throw error;
  }
  return transport;
}

class SocketTransport implements PeerTransport {
  readonly #shared: Surroundings;
  readonly #addresses: readonly ListenAddress[];
  readonly #listeners: readonly Listener[];
  readonly #incoming: Incoming;
  readonly #peers = new Map<MemberId, OutgoingPeer>();
  readonly #pacer: BytePacer;
  readonly #senders = new Set<SnapshotSender>();
  /** What is done at the end of this turn of the event loop. */
  #hasTurnEnd = false;
  readonly #pending = new Set<OutgoingPeer>();
  readonly #lost = new Set<MemberId>();
  #mustJudgeAgain = false;
  #closing: Promise<void> | undefined;

  constructor(options: PeersOptions, limits: PeerLimits) {
    const { greeting, handler, clock, prng, tls, sockets = systemSockets } = options;
    const log = new PacedLog(options.logger, clock);
    const material = tls && new TlsMaterial(tls, { field: 'peerTls', clock, logger: options.logger });
    const pulse = new Pulse(clock, limits);
    this.#shared = {
      ...{ greeting, handler, sockets, clock, prng, log, limits, pulse },
      get tls() {
        return tls && material && dialTlsOf(tls, material);
      },
    };
    const security = tls && material && { tls, material };
    this.#incoming = new Incoming(this.#shared);
    this.#pacer = new BytePacer(clock, limits.snapshotBytesPerSecond);
    this.#addresses = options.listen;
    const strangers = new Set<Stranger>();
    this.#listeners = options.listen.map(
      (address) =>
        new Listener(address, security, this.#shared, strangers, (socket, stranger) =>
          this.#incoming.greet(socket, stranger),
        ),
    );
  }

  get urls(): readonly string[] {
    return this.#listeners.map((listener) => listener.url);
  }

  async listen(): Promise<void> {
    for (const [at, listener] of this.#listeners.entries()) {
      await listener.listen((this.#addresses[at] as ListenAddress).port);
    }
  }

  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#closing !== undefined) return;
    const named = new Set(peers.map(({ id }) => id));
    for (const [id, peer] of this.#peers) {
      if (named.has(id)) continue;
      this.#peers.delete(id);
      peer.close();
    }
    for (const { id, urls } of peers) {
      const peer = this.#peers.get(id);
      if (peer !== undefined) peer.moveTo(urls);
      else this.#peers.set(id, this.#connect(id, urls));
    }
    this.#mustJudgeAgain = true;
    this.#atTurnEnd();
  }

  send(to: MemberId, messages: readonly PeerMessage[]): void {
    const peer = this.#peers.get(to);
    if (peer !== undefined) peer.send(messages);
    else this.#reportLost(to);
  }

  async sendSnapshot(
    to: MemberId,
    announcement: InstallSnapshotRequest,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const url = this.#peers.get(to)?.url;
    const { snapshotsMax } = this.#shared.limits;
    if (url === undefined) throw new SnapshotTransferError(to, 'it is no member that this one knows');
    if (this.#senders.size >= snapshotsMax) {
      throw new SnapshotTransferError(to, `${snapshotsMax} snapshots are being sent already`);
    }
    const sender = new SnapshotSender({ to, url, announcement, chunks }, this.#shared, this.#pacer);
    this.#senders.add(sender);
    try {
      await sender.send(signal);
    } finally {
      this.#senders.delete(sender);
    }
  }

  isConnected(id: MemberId): boolean {
    return this.connectedSince(id) !== undefined;
  }

  connectedSince(id: MemberId): number | undefined {
    return this.#peers.get(id)?.connectedSince;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, limits, pulse } = this.#shared;
    const accepted = this.#listeners.map((listener) => listener.close());
    for (const sender of this.#senders) sender.close();
    this.#incoming.close('the member stops');
    for (const listener of this.#listeners) listener.destroySockets();
    const leaving = [...this.#peers.values()].map((peer) => peer.close()).filter((link) => link !== undefined);
    this.#peers.clear();
    const timer = clock.after(limits.drainMs, () => {
      for (const link of leaving) link.abandon('what was sent did not leave in time');
    });
    timer.hold?.();
    await Promise.all([...accepted, ...leaving.map((link) => link.whenClosed())]);
    timer.cancel();
    pulse.stop();
  }

  #connect(id: MemberId, urls: readonly string[]): OutgoingPeer {
    return new OutgoingPeer(id, urls, this.#shared, {
      onPending: (peer) => {
        this.#pending.add(peer);
        this.#atTurnEnd();
      },
      onLost: (lost) => this.#reportLost(lost),
    });
  }

  #reportLost(id: MemberId): void {
    this.#lost.add(id);
    this.#atTurnEnd();
  }

  #atTurnEnd(): void {
    if (this.#closing !== undefined || this.#hasTurnEnd) return;
    this.#hasTurnEnd = true;
    this.#shared.clock.soon(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#hasTurnEnd = false;
    if (this.#closing !== undefined) return;
    for (const peer of this.#pending) peer.flush();
    this.#pending.clear();
    const lost = [...this.#lost];
    this.#lost.clear();
    for (const id of lost) this.#shared.handler.onUnreachable(id);
    if (!this.#mustJudgeAgain) return;
    this.#mustJudgeAgain = false;
    this.#incoming.judgeAgain();
  }
}
