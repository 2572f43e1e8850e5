import type { Clock, Timer } from '../base/clock.js';
import { MemberDivergedError, MemberRemovedError, UnavailableError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import type { Logger } from '../base/logger.js';
import type { DeleteRequest, PutRequest, TxnRequest } from '../base/operation.js';
import type { Prng } from '../base/prng.js';
import type { MemberInfo } from '../machine/types.js';
import type { PeerHandler, PeerTransport } from '../peer/types.js';
import type { Raft } from '../raft/raft.js';
import type { Entry } from '../raft/types.js';
import { Admission } from './admission.js';
import { AuthPart } from './auth-part.js';
import { Divergence } from './divergence.js';
import type { DurableLog } from './durable-log.js';
import { HandOver } from './hand-over.js';
import type { Identity } from './identity.js';
import { LeaderDesk } from './leader-desk.js';
import { LeaseKeeper } from './lease-keeper.js';
import { MembershipChanges } from './membership-changes.js';
import { PeerBook } from './peer-book.js';
import { PeerTraffic } from './peer-traffic.js';
import { PrefixLimits } from './prefix-limits.js';
import type { PrefixLimitOptions } from './prefix-options.js';
import { Promoter } from './promoter.js';
import { Publisher } from './publisher.js';
import { Renewals } from './renewals.js';
import { Replica } from './replica.js';
import type { ReplicaHooks } from './replica-parts.js';
import type { MemberSettings } from './settings.js';
import type { Secrets, TokenSigner } from './secrets.js';
import { SnapshotsReceived } from './snapshots-received.js';
import { SnapshotsSent } from './snapshots-sent.js';
import { SpaceKeeper } from './space-keeper.js';
import type { State, StateStore } from './state-store.js';

export interface ClusterPartParts {
  readonly identity: Identity;
  readonly raft: Raft;
  readonly log: DurableLog;
  /** Configurations in the log that are not applied: they may name members that the state does not know yet. */
  readonly unappliedConfigurations: readonly Entry[];
  readonly state: State;
  /** Where snapshots are received. Absent: this member takes none, because it is in no cluster. */
  readonly stateStore?: StateStore | undefined;
  /** Opens the way to the other members. Absent: there are none, nor ever will be. */
  readonly peers?: ((handler: PeerHandler) => Promise<PeerTransport>) | undefined;
  /** What a joiner was told of the others; it counts until the applied state knows. */
  readonly toldMembers?: readonly MemberInfo[] | undefined;
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** Give learners a vote when they have caught up. */
  readonly autoPromote: boolean;
  /** See `membership-rules.ts`. */
  readonly strictReconfigCheck: boolean;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly secrets: Secrets;
  readonly signer?: TokenSigner | undefined;
  readonly logger: Logger;
  readonly settings: MemberSettings;
  /** Limits for keys of certain prefixes. Absent: there are none. */
  readonly prefixLimits?: PrefixLimitOptions | undefined;
}

/**
 * One member's part in its cluster: its copy of the state, and what it does for the others and they for it. It puts the
 * topics together and tells each what concerns it; what they are about is in their own files.
 */
export class ClusterPart {
  readonly replica: Replica;
  readonly book: PeerBook;
  readonly admission: Admission;
  readonly leases: LeaseKeeper;
  readonly renewals: Renewals;
  readonly changes: MembershipChanges;
  readonly handOver: HandOver;
  readonly auth: AuthPart;
  readonly space: SpaceKeeper;
  readonly limits: PrefixLimits;

  readonly #parts: ClusterPartParts;
  readonly #desk: LeaderDesk;
  readonly #divergence: Divergence;
  readonly #promoter: Promoter;
  readonly #publisher: Publisher;
  readonly #sent: SnapshotsSent;
  readonly #received: SnapshotsReceived;
  #startedMs = 0;
  #leaving: Timer | undefined;
  #stopListening: () => void = () => undefined;

  constructor(parts: ClusterPartParts) {
    const { identity, clock, logger, settings, raft, prng } = parts;
    const { memberId, clusterId } = identity;
    const membership = () => this.replica.state.machine.membership;
    const nowMs = () => clock.now();
    this.#parts = parts;
    this.replica = new Replica({ ...parts, memberId }, this.#hooks());
    const { replica } = this;
    const { wake } = replica;
    const isConnected = (id: bigint) => replica.transport?.isConnected(id) ?? false;
    this.book = new PeerBook(membership, parts.toldMembers ?? []);
    const onMet = () => this.#meet();
    this.admission = new Admission({ identity, membership, book: this.book, logger, isConnected, onMet });
    this.#desk = new LeaderDesk(replica, nowMs, settings);
    this.leases = new LeaseKeeper({
      lessor: () => replica.state.machine.lessor,
      clock,
      logger,
      settings,
      asLeader: (work) => replica.asLeader(work),
      revoke: (id) => this.#revoke(id),
    });
    this.renewals = new Renewals(replica, this.#desk, this.leases, settings.readsMax);
    this.changes = new MembershipChanges({
      replica,
      desk: this.#desk,
      memberId,
      clusterId,
      prng,
      settings,
      isStrict: parts.strictReconfigCheck,
    });
    this.handOver = new HandOver(replica, clock, memberId, settings.electionTimeoutMs);
    this.auth = new AuthPart(parts);
    this.space = this.#makeSpaceKeeper();
    this.limits = new PrefixLimits({
      limits: parts.prefixLimits,
      clock,
      isReadable: () => replica.ended === undefined && replica.installing === undefined,
      onFailure: replica.fail,
    });
    this.#divergence = this.#makeDivergence();
    this.#promoter = this.#makePromoter();
    this.#publisher = this.#makePublisher();
    this.#received = new SnapshotsReceived({ raft, stateStore: parts.stateStore, logger, wake });
    this.#sent = new SnapshotsSent({
      memberId,
      raft,
      backend: () => replica.state.backend,
      transport: () => replica.transport,
      catchUps: replica.catchUps,
      clock,
      logger,
      snapshotsSentMax: settings.snapshotsSentMax,
      wake,
    });
    this.#listen();
  }

  /**
   * Takes part in the cluster; resolves once this member may serve: a leader is known, and everything that was committed
   * before is applied here. There is no limit to that time.
   *
   * @throws {@link MemberStoppedError} and its kinds, {@link ClosedError} if it ends before
   */
  async start(): Promise<void> {
    const { identity, peers, unappliedConfigurations, clock, state } = this.#parts;
    if (state.machine.membership.isRemoved(identity.memberId)) throw new MemberRemovedError(identity.memberId);
    this.#startedMs = clock.now();
    this.book.appended(unappliedConfigurations);
    this.#follow(state);
    const transport = await peers?.(this.#makeTraffic());
    // It may have been closed while the way to the others was opened.
    if (this.replica.ended !== undefined) await transport?.close();
    this.replica.assertRunning();
    this.replica.transport = transport;
    this.#meet();
    this.replica.start();
    await this.replica.caughtUp();
    await this.#publish();
  }

  /**
   * Whether a write may not be proposed. If so, a promise that rejects with the reason.
   *
   * @throws {@link RateLimitedError}, {@link PrefixQuotaExceededError}, {@link NoSpaceError} as rejections
   */
  refuse(request: PutRequest | DeleteRequest | TxnRequest): Promise<never> | undefined {
    const refusal = this.limits.refusal(request);
    return refusal === undefined ? this.space.refuse(request) : Promise.reject(refusal);
  }

  /** Hands over leadership, lets go of what is under way for others, and ends. */
  async close(): Promise<void> {
    const { replica } = this;
    if (replica.raft.role === 'leader' && !replica.isAlone && replica.ended === undefined) await this.handOver.toBest();
    await replica.close();
  }

  // --- What happens -----------------------------------------------------------------------------------------------

  #hooks(): ReplicaHooks {
    return {
      onTurn: () => this.renewals.flush(),
      onTick: () => this.#ticked(),
      onSweep: () => this.#swept(),
      onAppend: (entries) => {
        if (this.book.appended(entries)) this.#meet();
      },
      onApplied: (entries) => this.#applied((entries.at(-1) as Entry).index),
      onSnapshotsWanted: (followers) => this.#sent.want(followers),
      install: (position, current) => this.#received.install(position, current),
      onState: (state) => this.#entered(state),
      onEnd: (reason) => this.#ended(reason),
      whyLeaderless: () => this.admission.troubles[0],
    };
  }

  #listen(): void {
    const { leadership } = this.replica;
    leadership.onServing((isServing) => {
      if (isServing) this.leases.start();
      else this.leases.stop();
      if (!this.#parts.autoPromote) return;
      if (isServing) this.#promoter.start();
      else this.#promoter.stop();
    });
    leadership.onLeader((leader) => {
      this.#divergence.reset();
      if (leader !== this.#parts.identity.memberId)
        void this.#sent.stop(new UnavailableError('this member leads no more'));
    });
  }

  /** With every heartbeat, members compare what they applied. */
  #ticked(): void {
    if (!this.replica.leadership.isServing) return;
    const progress = this.replica.raft.progress();
    const active = new Set(progress.filter(({ isActive }) => isActive).map(({ id }) => id));
    this.#divergence.ask({
      voters: this.replica.raft.configuration.voters,
      others: progress.map(({ id }) => id),
      isActive: (id) => active.has(id),
    });
  }

  #swept(): void {
    this.#desk.sweep();
    this.space.sweep();
    const { leadership } = this.replica;
    const { clock, settings } = this.#parts;
    if (leadership.hasHadLeader || clock.now() - this.#startedMs < 2 * settings.electionTimeoutMs) return;
    const { verdict } = this.admission;
    if (verdict !== undefined) this.replica.fail(verdict);
  }

  #applied(index: number): void {
    this.book.applied(index);
    this.#received.applied(index);
    this.#divergence.applied();
  }

  /** A snapshot is in force: another membership, too. */
  #entered(state: State): void {
    this.#follow(state);
    this.#applied(state.machine.appliedIndex);
    this.#membersChanged();
  }

  #follow({ machine }: State): void {
    this.#stopListening();
    this.#stopListening = machine.membership.onChange(() => this.#membersChanged());
    this.auth.follow(machine);
    this.limits.follow(machine);
  }

  #membersChanged(): void {
    this.#meet();
    if (this.replica.state.machine.membership.isRemoved(this.#parts.identity.memberId)) this.#leave();
  }

  /** What would only be refused takes no place in the log, over and over. Whoever holds a lease past its end harms nobody. */
  async #revoke(id: LeaseId): Promise<unknown> {
    const command = { type: 'leaseRevoke', id } as const;
    this.replica.state.machine.alarms.assertTakes(command);
    return this.replica.proposeHere(command);
  }

  #meet(): void {
    const { memberId } = this.#parts.identity;
    const others = this.book.reachable.filter(({ id }) => id !== memberId);
    this.replica.transport?.setPeers(others.map(({ id, peerUrls }) => ({ id, urls: peerUrls })));
  }

  /** The cluster has removed this member. It lets its last answers leave, and stops. */
  #leave(): void {
    if (this.replica.ended !== undefined) return;
    const { clock, settings, identity } = this.#parts;
    this.#leaving ??= clock.after(settings.electionTimeoutMs, () =>
      this.replica.fail(new MemberRemovedError(identity.memberId)),
    );
  }

  async #publish(): Promise<void> {
    const { membership } = this.replica.state.machine;
    // What versions wrote that knew no clusters has no members, and nobody to publish to.
    if (this.replica.isAlone && membership.members.length === 0) return;
    const published = this.#publisher.publish();
    // Alone, it is done at once, and whoever opens the member finds nothing under way.
    if (this.replica.isAlone) return published;
    published.catch(this.replica.fail);
  }

  #ended(reason: Error): void {
    this.leases.stop();
    this.#promoter.stop();
    this.#publisher.stop();
    this.#stopListening();
    this.auth.stop();
    this.limits.stop();
    this.#leaving?.cancel();
    this.#desk.rejectAll(reason);
    void this.#sent.stop(reason);
    void this.#received.stop();
  }

  // --- Topics -----------------------------------------------------------------------------------------------------

  #makeTraffic(): PeerTraffic {
    return new PeerTraffic({
      clusterId: this.#parts.identity.clusterId,
      replica: this.replica,
      admission: this.admission,
      book: this.book,
      desk: this.#desk,
      renewals: this.renewals,
      changes: this.changes,
      divergence: this.#divergence,
      snapshots: this.#received,
      onRemoved: () => this.#leave(),
    });
  }

  #makeDivergence(): Divergence {
    const { replica } = this;
    return new Divergence({
      memberId: this.#parts.identity.memberId,
      appliedIndex: () => replica.state.machine.appliedIndex,
      hashAt: (index) => replica.state.machine.stateHash(index),
      send: (to, message) => replica.send(to, message),
      onDiverged: (afterIndex, upToIndex) => replica.fail(new MemberDivergedError(afterIndex, upToIndex)),
    });
  }

  #makeSpaceKeeper(): SpaceKeeper {
    const { replica } = this;
    const { identity, settings, logger } = this.#parts;
    return new SpaceKeeper({
      memberId: identity.memberId,
      quotaBytes: settings.quotaBackendBytes,
      usedBytes: () => (replica.installing === undefined ? replica.state.backend.usedBytes() : undefined),
      alarms: () => replica.state.machine.alarms,
      isMember: (id) => replica.state.machine.membership.member(id) !== undefined,
      leads: () => replica.leadership.isServing,
      propose: (command) => replica.propose(command),
      logger,
    });
  }

  #makePromoter(): Promoter {
    const { clock, logger, settings, raft } = this.#parts;
    return new Promoter({
      clock,
      logger,
      settings,
      members: () => this.replica.state.machine.membership.members,
      progress: () => raft.progress(),
      lastIndex: () => raft.lastIndex,
      promote: (change) => this.changes.makeHere(change),
    });
  }

  #makePublisher(): Publisher {
    const { clock, logger, settings, identity, name, clientUrls } = this.#parts;
    return new Publisher({
      clock,
      logger,
      membership: () => this.replica.state.machine.membership,
      propose: (command) => this.replica.propose(command),
      self: { id: identity.memberId, name, clientUrls, incarnation: identity.incarnation },
      retryMs: settings.readRetryMs,
    });
  }
}
