import type { Batch, View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { MemberNotFoundError, PeerUrlExistsError } from '../base/errors.js';
import { decodeConfiguration } from '../raft/configuration.js';
import type { Configuration, MemberId } from '../raft/types.js';
import { compareIds, decodeMemberInfos } from './member-info.js';
import { type MembershipState, readMembership, writeMembership } from './membership-record.js';
import type { MemberInfo, MemberPublishCommand, MemberUpdateCommand } from './types.js';

/**
 * Who belongs to the cluster as of the last applied entry, and what is known of them. It is part of the replicated
 * state: the same on every member after the same entries, and in the same backend write as everything else.
 *
 * An id that was removed is never used again, so that a member that was away cannot come back as somebody else.
 */
export class Membership {
  #state: MembershipState;
  readonly #callbacks = new Set<() => void>();
  #hasChanged = false;

  private constructor(state: MembershipState) {
    this.#state = state;
  }

  /** Restores it from the table `meta`; a fresh backend has no members. */
  static open(view: View): Membership {
    return new Membership(readMembership(view));
  }

  /** In order of their ids. */
  get members(): readonly MemberInfo[] {
    return this.#state.members;
  }

  /** The configuration that the last applied configuration entry put in force. */
  get configuration(): Configuration {
    return this.#state.configuration;
  }

  member(id: MemberId): MemberInfo | undefined {
    return this.#state.members.find((member) => member.id === id);
  }

  /** Whether the id was a member's once, and the cluster removed it. */
  isRemoved(id: MemberId): boolean {
    return this.#state.removed.includes(id);
  }

  /**
   * Calls back after each write that has changed anything of this. The callback must not throw.
   *
   * @returns ends it
   */
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }

  // --- Changed by applied entries only ----------------------------------------------------------------------------

  /**
   * Puts a configuration in force. Whoever is new in it comes with its info, whoever was known keeps theirs, and whoever
   * is not in it any more is removed for ever.
   *
   * @param data - of a configuration entry
   * @throws {@link InvariantError} if a new member has no info, or the id of one that was removed
   */
  configure(data: Uint8Array, batch: Batch): void {
    const { configuration, context } = decodeConfiguration(data);
    const given = new Map(decodeMemberInfos(context).map((info) => [info.id, info]));
    const members = idsOf(configuration).map((id) => {
      assert(!this.isRemoved(id), 'the id of a removed member is never used again');
      const info = this.member(id) ?? given.get(id);
      assert(info !== undefined, 'a member that is new in a configuration comes with its info');
      return inConfiguration(info, configuration);
    });
    const gone = this.members.map(({ id }) => id).filter((id) => !members.some((member) => member.id === id));
    this.#change({ configuration, members, removed: [...this.#state.removed, ...gone].sort(compareIds) }, batch);
  }

  /**
   * @throws {@link MemberNotFoundError} if there is no such member
   * @throws {@link PeerUrlExistsError} if another member has one of the URLs
   */
  update({ id, peerUrls }: Omit<MemberUpdateCommand, 'type'>, batch: Batch): void {
    const member = this.#find(id);
    for (const other of this.members) {
      const shared = other === member ? undefined : other.peerUrls.find((url) => peerUrls.includes(url));
      if (shared !== undefined) throw new PeerUrlExistsError(shared);
    }
    this.#replace({ ...member, peerUrls }, batch);
  }

  /** @throws {@link MemberNotFoundError} if there is no such member */
  publish({ id, name, clientUrls, incarnation }: Omit<MemberPublishCommand, 'type'>, batch: Batch): void {
    this.#replace({ ...this.#find(id), name, clientUrls, incarnation }, batch);
  }

  /** Tells those who listen, once what was changed is written. */
  announce(): void {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    for (const callback of [...this.#callbacks]) callback();
  }

  #find(id: MemberId): MemberInfo {
    const member = this.member(id);
    if (member === undefined) throw new MemberNotFoundError(id);
    return member;
  }

  #replace(changed: MemberInfo, batch: Batch): void {
    const members = this.members.map((member) => (member.id === changed.id ? changed : member));
    this.#change({ ...this.#state, members }, batch);
  }

  #change(state: MembershipState, batch: Batch): void {
    writeMembership(batch, state);
    this.#state = state;
    this.#hasChanged = true;
  }
}

/** Everybody in a configuration, in order, each once. */
export function idsOf({ voters, outgoing = [], learners }: Configuration): readonly MemberId[] {
  return [...new Set([...voters, ...outgoing, ...learners])].sort(compareIds);
}

/** What a configuration says of a member is in its info too. Who has a vote has replaced whom it was to replace. */
function inConfiguration(
  { replaces, ...info }: MemberInfo,
  { voters, outgoing = [], learners }: Configuration,
): MemberInfo {
  const { id } = info;
  // A voter that becomes a learner votes until the joint configuration is left (Ongaro 2014, section 4.3).
  const isLearner = learners.includes(id) && !voters.includes(id) && !outgoing.includes(id);
  return isLearner && replaces !== undefined ? { ...info, isLearner, replaces } : { ...info, isLearner };
}
