import { MemberStoppedError } from '../base/errors.js';
import type { MemberInfo } from '../machine/types.js';
import type { Greeting, PeerHandler, PeerMessage, Refused } from '../peer/types.js';
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import type { Admission } from './admission.js';
import type { Divergence } from './divergence.js';
import { JsonFields, toJsonBytes } from './json-fields.js';
import type { LeaderDesk } from './leader-desk.js';
import type { MembershipChanges } from './membership-changes.js';
import type { PeerBook } from './peer-book.js';
import type { Renewals } from './renewals.js';
import type { Replica } from './replica.js';
import type { SnapshotsReceived } from './snapshots-received.js';

export interface PeerTrafficParts {
  readonly clusterId: bigint;
  readonly replica: Replica;
  readonly admission: Admission;
  readonly book: PeerBook;
  readonly desk: LeaderDesk;
  readonly renewals: Renewals;
  readonly changes: MembershipChanges;
  readonly divergence: Divergence;
  readonly snapshots: SnapshotsReceived;
  /** Another member says that this one was removed from the cluster. */
  readonly onRemoved: () => void;
}

/** Whatever arrives from other members, to where it belongs. */
export class PeerTraffic implements PeerHandler {
  readonly #parts: PeerTrafficParts;

  constructor(parts: PeerTrafficParts) {
    this.#parts = parts;
  }

  accept(greeting: Greeting): Refused | undefined {
    return this.#parts.admission.accept(greeting);
  }

  members(): Uint8Array {
    return encodeMembers({ clusterId: this.#parts.clusterId, members: this.#parts.book.members });
  }

  onMessages(from: MemberId, messages: readonly PeerMessage[]): void {
    const { replica } = this.#parts;
    if (replica.ended instanceof MemberStoppedError) return;
    try {
      for (const message of messages) this.#take(from, message);
    } catch (error) {
      return replica.fail(error as Error);
    }
    replica.wake();
  }

  onSnapshot(from: MemberId, announcement: InstallSnapshotRequest, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#parts.snapshots.receive(from, announcement, chunks);
  }

  onGone(id: MemberId): void {
    const { replica, desk } = this.#parts;
    if (replica.raft.leader === id) replica.raft.leaderGone(id);
    replica.proposals.gone(id);
    desk.gone(id);
    replica.wake();
  }

  onUnreachable(id: MemberId): void {
    const { replica } = this.#parts;
    replica.raft.reportUnreachable(id);
    replica.proposals.unreachable(id);
    replica.wake();
  }

  onRefused(by: MemberId, refused: Refused): void {
    this.#parts.admission.refused(by, refused);
    if (refused.code === 'memberRemoved') this.#parts.onRemoved();
  }

  #take(from: MemberId, message: PeerMessage): void {
    const { replica, desk, renewals, changes, divergence } = this.#parts;
    switch (message.type) {
      case 'forward':
        return replica.proposals.onForward(from, message);
      case 'forwarded':
        return replica.proposals.onForwarded(from, message);
      case 'renew':
        return renewals.onRenew(from, message);
      case 'renewed':
        return desk.answered(from, message.request, message.ttls, message.refusal);
      case 'askRemaining':
        return renewals.onAskRemaining(from, message);
      case 'remaining':
        return desk.answered(from, message.request, message.remainingMs, message.refusal);
      case 'askChange':
        return changes.onAskChange(from, message);
      case 'changed':
        return desk.answered(from, message.request, message, message.refusal);
      case 'stateHash':
        return divergence.onAsked(from, message);
      case 'stateHashAnswer':
        return divergence.onAnswer(from, message);
      case 'diverged':
        return divergence.onTold(message);
      case 'installSnapshot':
        // Its bytes come on a stream of their own, and it with them.
        return;
      default:
        if (message.from === from) replica.raft.step(message);
    }
  }
}

/** What a joiner is told of the cluster. */
export interface MembersTold {
  readonly clusterId: bigint;
  readonly members: readonly MemberInfo[];
}

/** JSON, with ids in hexadecimal. */
export function encodeMembers(told: MembersTold): Uint8Array {
  return toJsonBytes(told);
}

/**
 * What {@link encodeMembers} was given.
 *
 * @throws {@link InvalidArgumentError} if the bytes are something else
 */
export function decodeMembers(bytes: Uint8Array): MembersTold {
  const told = JsonFields.parse(bytes);
  return { clusterId: told.id('clusterId'), members: told.objects('members').map(readInfo) };
}

function readInfo(info: JsonFields): MemberInfo {
  return {
    id: info.id('id'),
    name: info.text('name'),
    peerUrls: info.texts('peerUrls'),
    clientUrls: info.texts('clientUrls'),
    incarnation: info.id('incarnation'),
    isLearner: info.flag('isLearner'),
    ...(info.has('replaces') && { replaces: info.id('replaces') }),
  };
}
