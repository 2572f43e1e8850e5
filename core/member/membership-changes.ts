import { createHash } from 'node:crypto';
import { asBuffer } from '../base/bytes.js';
import { InvalidArgumentError, TooManyRequestsError } from '../base/errors.js';
import { type Prng, randomId } from '../base/prng.js';
import { encodeCommand } from '../machine/codec.js';
import { encodeMemberInfos } from '../machine/member-info.js';
import type { Membership } from '../machine/membership.js';
import type { MemberInfo } from '../machine/types.js';
import type { ChangeRequest } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';
import { JsonFields, toJsonBytes } from './json-fields.js';
import type { LeaderDesk } from './leader-desk.js';
import * as rules from './membership-rules.js';
import { refusalOf } from './refusals.js';
import type { Replica } from './replica.js';
import type { MemberSettings } from './settings.js';

/** A change of the members that is asked for. */
export type MembershipChange =
  | {
      readonly type: 'add';
      readonly peerUrls: readonly string[];
      readonly isLearner: boolean;
      readonly replaces?: MemberId | undefined;
    }
  | { readonly type: 'remove' | 'promote'; readonly id: MemberId }
  | { readonly type: 'update'; readonly id: MemberId; readonly peerUrls: readonly string[] };

/** Where a change stands in the log. */
interface Place {
  readonly index: number;
  readonly term: number;
}

export interface MembershipChangesParts {
  readonly replica: Replica;
  readonly desk: LeaderDesk;
  readonly memberId: MemberId;
  readonly clusterId: bigint;
  readonly prng: Prng;
  readonly settings: MemberSettings;
  /** See {@link rules.Standing.isStrict}. */
  readonly isStrict: boolean;
}

/** Changes that wait for their turn at the leader. One more is refused. */
const CHANGES_MAX = 64;

/**
 * Changes of the members, at any member. The leader checks each against what is applied, and proposes it; one at a time,
 * so that each is checked against the outcome of the one before.
 */
export class MembershipChanges {
  readonly #parts: MembershipChangesParts;
  /** Ends when the last change that was begun here has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(parts: MembershipChangesParts) {
    this.#parts = parts;
  }

  /**
   * Has the members changed; resolves once that is applied here.
   *
   * @returns the members after the change
   * @throws what `membership-rules.ts` refuses it with, {@link ConfigurationChangeError} if another one is under way,
   * {@link NoLeaderError}, {@link TimeoutError}: nothing was changed
   * @throws {@link OutcomeUnknownError} if the leader's answer was lost; look at the members before asking again
   */
  async make(change: MembershipChange): Promise<readonly MemberInfo[]> {
    const { desk, replica } = this.#parts;
    const place = await desk.ask<Place>({
      message: (request) => ({ type: 'askChange', request, change: encodeChange(change) }),
      here: () => this.makeHere(change),
      isOnce: true,
    });
    const result = await replica.outcomeOf(place);
    if ('members' in result) return result.members;
    throw new InvalidArgumentError('change', result.type, 'a change of the members');
  }

  /**
   * Proposes a change as the leader.
   *
   * @returns where it stands in the log
   * @throws {@link MemberNotLeaderError}, {@link LeaderChangedError} if this member does not lead, and else as {@link make}
   */
  async makeHere(change: MembershipChange): Promise<Place> {
    const { replica } = this.#parts;
    if (this.#count >= CHANGES_MAX) throw new TooManyRequestsError('changes of the members', CHANGES_MAX);
    this.#count += 1;
    const made = this.#turn.then(() => replica.asLeader(({ machine }) => this.#propose(change, machine.membership)));
    this.#turn = made
      .then((place) => replica.outcomeOf(place))
      .catch(() => undefined)
      .finally(() => (this.#count -= 1));
    return made;
  }

  /** A follower asks this member, which leads as far as it knows. */
  onAskChange(from: MemberId, { request, change }: ChangeRequest): void {
    const { replica } = this.#parts;
    this.#makeRead(change)
      .catch((error: unknown) => ({ index: 0, term: 0, refusal: refusalOf(error) }))
      .then((answer) => replica.send(from, { type: 'changed', request, ...answer }), replica.fail);
  }

  /** What cannot be read is refused as what may not be made is. */
  async #makeRead(change: Uint8Array): Promise<Place> {
    return this.makeHere(decodeChange(change));
  }

  #propose(change: MembershipChange, membership: Membership): Place {
    const { raft } = this.#parts.replica;
    const standing = this.#standing(membership);
    rules.checkSettled(raft.configuration);
    switch (change.type) {
      case 'add':
        return this.#add(change, membership, standing);
      case 'remove':
        return this.#configure(rules.planRemove(standing, change.id), []);
      case 'promote':
        return this.#configure(rules.planPromote(standing, change.id), []);
      case 'update':
        return this.#update(change, standing);
    }
  }

  #add(
    { peerUrls: given, isLearner, replaces }: Extract<MembershipChange, { type: 'add' }>,
    membership: Membership,
    standing: rules.Standing,
  ): Place {
    const peerUrls = rules.checkedPeerUrls(given);
    rules.checkFree(standing.members, peerUrls);
    const added: MemberInfo = {
      id: this.#newId(peerUrls, membership),
      name: '',
      peerUrls,
      clientUrls: [],
      incarnation: 0n,
      isLearner: isLearner || replaces !== undefined || rules.beginsAsLearner(standing),
      ...(replaces !== undefined && { replaces }),
    };
    return this.#configure(rules.planAdd(standing, added), [added]);
  }

  #update({ id, peerUrls: given }: Extract<MembershipChange, { type: 'update' }>, standing: rules.Standing): Place {
    const { raft, wake } = this.#parts.replica;
    rules.memberOf(standing, id);
    const peerUrls = rules.checkedPeerUrls(given);
    rules.checkFree(standing.members, peerUrls, id);
    const place = raft.propose(encodeCommand({ type: 'memberUpdate', id, peerUrls }));
    wake();
    return place;
  }

  #configure(next: rules.Next, added: readonly MemberInfo[]): Place {
    const { raft, wake } = this.#parts.replica;
    const { index, term } = raft.proposeConfiguration(next, encodeMemberInfos(added));
    wake();
    return { index, term };
  }

  #standing({ members }: Membership): rules.Standing {
    const { replica, memberId, settings, isStrict } = this.#parts;
    const { raft, transport } = replica;
    const progress = new Map(raft.progress().map((follower) => [follower.id, follower]));
    const isActive = (id: MemberId) => progress.get(id)?.isActive === true && (transport?.isConnected(id) ?? false);
    return {
      members,
      configuration: raft.configuration,
      isHealthy: (id) => id === memberId || isActive(id),
      hasCaughtUp: (id) => {
        const follower = progress.get(id);
        if (follower === undefined || follower.state === 'snapshot' || !isActive(id)) return false;
        return follower.matchedIndex + settings.promoteLagEntries >= raft.lastIndex;
      },
      learnersMax: settings.learnersMax,
      isStrict,
    };
  }

  /** As etcd does it, but for chance in the place of the time of day. An id that was ever used is not used again. */
  #newId(peerUrls: readonly string[], membership: Membership): MemberId {
    const { clusterId, prng } = this.#parts;
    for (;;) {
      const text = peerUrls.join('') + clusterId.toString(16) + randomId(prng).toString(16);
      const id = asBuffer(createHash('sha1').update(text).digest()).readBigUInt64BE(0);
      if (id !== 0n && membership.member(id) === undefined && !membership.isRemoved(id)) return id;
    }
  }
}

/** JSON, with ids in hexadecimal. */
export function encodeChange(change: MembershipChange): Uint8Array {
  return toJsonBytes(change);
}

/**
 * What {@link encodeChange} was given.
 *
 * @throws {@link InvalidArgumentError} if the bytes are something else
 */
export function decodeChange(bytes: Uint8Array): MembershipChange {
  const change = JsonFields.parse(bytes);
  const type = change.text('type');
  switch (type) {
    case 'add': {
      const added = { type, peerUrls: change.texts('peerUrls'), isLearner: change.flag('isLearner') } as const;
      return change.has('replaces') ? { ...added, replaces: change.id('replaces') } : added;
    }
    case 'remove':
    case 'promote':
      return { type, id: change.id('id') };
    case 'update':
      return { type, id: change.id('id'), peerUrls: change.texts('peerUrls') };
    default:
      throw new InvalidArgumentError('type', type, 'a change of the members that this version knows');
  }
}
