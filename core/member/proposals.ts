import {
  hasCode,
  NoLeaderError,
  OutcomeUnknownError,
  TimeoutError,
  TooManyRequestsError,
  UnavailableError,
} from '../base/errors.js';
import { decodeCommand } from '../machine/codec.js';
import type { CommandResult } from '../machine/types.js';
import type { ForwardAnswer, ForwardRequest, PeerMessage, Refusal } from '../peer/types.js';
import type { Raft } from '../raft/raft.js';
import type { MemberId } from '../raft/types.js';
import type { Leadership } from './leadership.js';
import { refusalOf, revive, saysNotLeading } from './refusals.js';
import type { MemberSettings } from './settings.js';
import type { Sweeps } from './sweeps.js';
import type { Waiters } from './waiters.js';

/** A command that somebody waits for, and that no log has yet as far as is known here. */
interface Proposal {
  readonly data: Uint8Array;
  /** As {@link Waiter.sweep}. */
  readonly sweep: number;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: Error) => void;
}

/** Proposals that were handed to a leader who has not said where they stand. They are never handed over again. */
interface HandedOver {
  readonly to: MemberId;
  readonly proposals: readonly Proposal[];
  /** Since which sweep it is doubtful that an answer will come; undefined while nothing speaks against it. */
  doubtfulSince: number | undefined;
}

export interface ProposalsParts {
  readonly raft: Raft;
  readonly waiters: Waiters;
  readonly leadership: Leadership;
  readonly sweeps: Sweeps;
  readonly settings: Pick<MemberSettings, 'proposalsMax' | 'requestTimeoutMs' | 'electionTimeoutMs'>;
  readonly appliedIndex: () => number;
  readonly isConnected: (id: MemberId) => boolean;
  readonly send: (to: MemberId, message: PeerMessage) => void;
  /** Says that there is something to flush. */
  readonly wake: () => void;
}

/** Bytes of commands in one message to the leader, where they are not one command. */
const FORWARD_BYTES_MAX = 1_048_576;
/** Commands in one message to the leader, so that its answer to them comes soon. */
const FORWARD_COMMANDS_MAX = 4_096;

/**
 * The way of a command into the log, from any member: a leader appends it, a follower hands it to the leader, and while
 * nobody is known to lead it waits. What is proposed in one turn of the event loop is handed over in one message.
 *
 * A proposal is handed over once. If its leader's answer is lost, its outcome is unknown; only where the leader said that
 * it did not take it, the next leader may have it.
 */
export class Proposals {
  readonly #parts: ProposalsParts;
  #queue: Proposal[] = [];
  readonly #handedOver = new Map<number, HandedOver>();
  #handedOverCount = 0;
  #lastRequest = 0;
  /** Whoever leads has said in this sweep that it does not: it is not asked again before something has changed. */
  #pausedInSweep = -1;
  #onEmpty: (() => void) | undefined;

  constructor(parts: ProposalsParts) {
    this.#parts = parts;
  }

  /** Proposals that are not answered. */
  get count(): number {
    return this.#parts.waiters.count + this.#queue.length + this.#handedOverCount;
  }

  /**
   * Takes a command; the answer comes from its being applied here.
   *
   * @throws {@link TooManyRequestsError}, {@link NoLeaderError}: nothing was done
   */
  propose(data: Uint8Array, resolve: Proposal['resolve'], reject: Proposal['reject']): void {
    const { raft, waiters, leadership, settings, sweeps, wake } = this.#parts;
    if (this.count >= settings.proposalsMax) throw new TooManyRequestsError('proposals waiting', settings.proposalsMax);
    if (raft.role === 'leader' && this.#queue.length === 0 && !leadership.isHandingOver) {
      const { index, term } = raft.propose(data);
      waiters.add({ index, term, sweep: sweeps.count, resolve, reject });
    } else {
      leadership.assertNotLeaderless();
      this.#queue.push({ data, sweep: sweeps.count, resolve, reject });
    }
    wake();
  }

  /**
   * Appends a command if this member leads, however many others wait: for what a leader itself must get done.
   *
   * @throws {@link NoLeaderError} if it does not lead; nothing was done
   */
  proposeHere(data: Uint8Array, resolve: Proposal['resolve'], reject: Proposal['reject']): void {
    const { raft, waiters, sweeps, wake } = this.#parts;
    const { index, term } = raft.propose(data);
    waiters.add({ index, term, sweep: sweeps.count, resolve, reject });
    wake();
  }

  /** Waits for what stands at a place of the log that is known already. */
  awaitEntry(place: { index: number; term: number }, resolve: Proposal['resolve'], reject: Proposal['reject']): void {
    this.#await(place, { sweep: this.#parts.sweeps.count, resolve, reject });
  }

  /** Hands over what waits, as far as there is somebody to take it. Once in every turn. */
  flush(): void {
    if (this.#queue.length === 0) return;
    const { raft, leadership, isConnected, sweeps } = this.#parts;
    if (leadership.isHandingOver || this.#pausedInSweep === sweeps.count) return;
    if (raft.role === 'leader') return this.#appendQueue();
    const { leader } = raft;
    if (leader !== undefined && isConnected(leader)) this.#handOverTo(leader);
  }

  /** A follower hands over commands: as many as can be are appended, in order and without a gap. */
  onForward(from: MemberId, { request, commands }: ForwardRequest): void {
    const { raft, send, wake } = this.#parts;
    let firstIndex = 0;
    let accepted = 0;
    let refusal: Refusal | undefined;
    try {
      for (const command of commands) {
        this.#assertRoom();
        assertReadable(command);
        const { index } = raft.propose(command);
        if (accepted === 0) firstIndex = index;
        accepted += 1;
      }
    } catch (error) {
      refusal = refusalOf(error);
    }
    send(from, { type: 'forwarded', request, term: raft.term, firstIndex, accepted, ...(refusal && { refusal }) });
    wake();
  }

  /** The leader's answer. It comes before the entries do, for both travel on one connection. */
  onForwarded(from: MemberId, { request, term, firstIndex, accepted, refusal }: ForwardAnswer): void {
    const handed = this.#handedOver.get(request);
    if (handed === undefined || handed.to !== from) return;
    this.#forget(request, handed);
    handed.proposals.forEach((proposal, i) => {
      if (i < accepted) this.#await({ index: firstIndex + i, term }, proposal);
    });
    const refused = handed.proposals.slice(accepted);
    if (refusal !== undefined && saysNotLeading(refusal.code)) this.#takeBack(refused);
    else for (const { reject } of refused) reject(revive(refusal ?? NOT_SAID_WHY));
    this.#left();
  }

  /** Another member leads, or none: what is not answered by the one before probably never will be. */
  leaderChanged(): void {
    const { raft, sweeps, isConnected, wake } = this.#parts;
    this.#pausedInSweep = -1;
    for (const [request, handed] of this.#handedOver) {
      if (handed.to === raft.leader) continue;
      if (!isConnected(handed.to)) this.#giveUp(request, handed);
      else handed.doubtfulSince ??= sweeps.count;
    }
    if (this.#queue.length > 0) wake();
  }

  /** A member's process has ended, and with it what it had not answered. */
  gone(id: MemberId): void {
    for (const [request, handed] of this.#handedOver) if (handed.to === id) this.#giveUp(request, handed);
  }

  /** A connection broke, or messages were dropped: an answer that does not come soon will not come. */
  unreachable(id: MemberId): void {
    for (const handed of this.#handedOver.values()) {
      if (handed.to === id) handed.doubtfulSince ??= this.#parts.sweeps.count;
    }
  }

  /** Answers those whose time is over. */
  sweep(): void {
    const { sweeps, waiters, leadership, settings, wake } = this.#parts;
    const over = sweeps.before(settings.requestTimeoutMs + 2 * settings.electionTimeoutMs);
    waiters.expire(over);
    const doubtful = sweeps.before(settings.electionTimeoutMs);
    for (const [request, handed] of this.#handedOver) {
      const isDoubtful = handed.doubtfulSince !== undefined && handed.doubtfulSince <= doubtful;
      if (isDoubtful || (handed.proposals[0] as Proposal).sweep <= over) this.#giveUp(request, handed);
    }
    if (this.#queue.length === 0) return;
    const leaderless = leadership.leaderless();
    const waitedMs = settings.requestTimeoutMs + 2 * settings.electionTimeoutMs;
    const errorOf = ({ sweep }: Proposal) =>
      leaderless ?? (sweep <= over ? new TimeoutError('the write', waitedMs) : undefined);
    this.#rejectQueued(errorOf);
    wake();
  }

  /** Answers everybody who waits here, that is whose place in the log is not known. */
  rejectAll(queued: Error): void {
    for (const [request, handed] of this.#handedOver) this.#giveUp(request, handed, queued);
    this.#rejectQueued(() => queued);
  }

  /** Resolves once the place in the log of every proposal is known, or it was refused. */
  async emptied(): Promise<void> {
    if (this.#queue.length + this.#handedOverCount > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  #left(): void {
    if (this.#queue.length + this.#handedOverCount === 0) this.#onEmpty?.();
  }

  #assertRoom(): void {
    const { raft, leadership, settings, appliedIndex } = this.#parts;
    if (leadership.isHandingOver) throw new NoLeaderError('leadership is being handed over');
    if (raft.role === 'leader' && raft.lastIndex - appliedIndex() >= settings.proposalsMax) {
      throw new TooManyRequestsError('proposals that are not applied', settings.proposalsMax);
    }
  }

  #appendQueue(): void {
    const { raft, waiters } = this.#parts;
    const queue = this.#queue;
    this.#queue = [];
    queue.forEach(({ data, sweep, resolve, reject }, at) => {
      try {
        const { index, term } = raft.propose(data);
        waiters.add({ index, term, sweep, resolve, reject });
      } catch (error) {
        if (hasCode(error, 'NO_LEADER')) this.#queue.push(queue[at] as Proposal);
        else reject(error as Error);
      }
    });
    this.#left();
  }

  #handOverTo(leader: MemberId): void {
    const queue = this.#queue;
    this.#queue = [];
    for (let from = 0; from < queue.length;) {
      const proposals = portionOf(queue, from);
      from += proposals.length;
      const request = (this.#lastRequest += 1);
      this.#handedOver.set(request, { to: leader, proposals, doubtfulSince: undefined });
      this.#handedOverCount += proposals.length;
      this.#parts.send(leader, { type: 'forward', request, commands: proposals.map(({ data }) => data) });
    }
  }

  #await(place: { index: number; term: number }, { sweep, resolve, reject }: Omit<Proposal, 'data'>): void {
    const { appliedIndex, waiters } = this.#parts;
    // Its result is known only in the moment when it is applied, and that has passed.
    if (place.index <= appliedIndex()) reject(new OutcomeUnknownError('the write'));
    else waiters.add({ index: place.index, term: place.term, sweep, resolve, reject });
  }

  #takeBack(refused: readonly Proposal[]): void {
    this.#queue.unshift(...refused);
    this.#pausedInSweep = this.#parts.sweeps.count;
  }

  #forget(request: number, handed: HandedOver): void {
    this.#handedOver.delete(request);
    this.#handedOverCount -= handed.proposals.length;
  }

  #giveUp(request: number, handed: HandedOver, cause?: Error): void {
    this.#forget(request, handed);
    for (const { reject } of handed.proposals) reject(new OutcomeUnknownError('the write', cause && { cause }));
    this.#left();
  }

  #rejectQueued(errorOf: (proposal: Proposal) => Error | undefined): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const proposal of queue) {
      const error = errorOf(proposal);
      if (error === undefined) this.#queue.push(proposal);
      else proposal.reject(error);
    }
    this.#left();
  }
}

const NOT_SAID_WHY: Refusal = { code: 'UNAVAILABLE', message: 'the leader refused the write' };

/** An entry that cannot be read would end every member that applies it, so what another program wrote is read before. */
function assertReadable(command: Uint8Array): void {
  try {
    decodeCommand(command);
  } catch (cause) {
    throw new UnavailableError('the leader cannot read the write: the member that handed it over is newer or damaged', {
      cause,
    });
  }
}

function portionOf(queue: readonly Proposal[], from: number): readonly Proposal[] {
  let to = from;
  let bytes = 0;
  do {
    bytes += (queue[to] as Proposal).data.length;
    to += 1;
  } while (
    to < queue.length &&
    to - from < FORWARD_COMMANDS_MAX &&
    bytes + (queue[to] as Proposal).data.length <= FORWARD_BYTES_MAX
  );
  return queue.slice(from, to);
}
