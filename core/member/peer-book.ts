import { decodeMemberInfos } from '../machine/member-info.js';
import type { Membership } from '../machine/membership.js';
import type { MemberInfo } from '../machine/types.js';
import { decodeConfiguration } from '../raft/configuration.js';
import type { Greeting } from '../peer/types.js';
import type { Entry, MemberId } from '../raft/types.js';

/** The new members that an entry of the log names. */
interface Named {
  readonly index: number;
  readonly infos: readonly MemberInfo[];
}

/** Of those who greeted and are not known, so many are remembered: the last ones. */
const ACQUAINTANCES_MAX = 16;

/**
 * Whom this member talks to. Beside the members that the applied state knows, those of configurations that are in the log
 * and not applied yet: a new configuration is in force from when it is appended (Ongaro 2014, section 4.1), and where a
 * new member's acknowledgement is needed to commit it, it must be reached before.
 *
 * A member that was away may know nobody any more who is left, not even the leader. It takes those of its cluster who
 * greet it for acquaintances, to whom it can answer; and hears from them who belongs to the cluster.
 */
export class PeerBook {
  readonly #membership: () => Membership;
  /** Told by those whom a joiner asked; they count until its own state knows better. */
  readonly #told: readonly MemberInfo[];
  #named: Named[] = [];
  readonly #met = new Map<MemberId, MemberInfo>();
  /** With what those have greeted first who are members, and have published nothing that is known here. */
  readonly #greeted = new Map<MemberId, bigint>();

  constructor(membership: () => Membership, told: readonly MemberInfo[]) {
    this.#membership = membership;
    this.#told = told;
  }

  /** Everybody, this member included. */
  get members(): readonly MemberInfo[] {
    const { members } = this.#membership();
    const known = new Map((members.length === 0 ? this.#told : members).map((info) => [info.id, info]));
    for (const { infos } of this.#named) for (const info of infos) if (!known.has(info.id)) known.set(info.id, info);
    return [...known.values()];
  }

  /** Them, and those who are only met. */
  get reachable(): readonly MemberInfo[] {
    const { members } = this;
    const known = new Set(members.map(({ id }) => id));
    const membership = this.#membership();
    for (const id of this.#met.keys()) if (known.has(id) || membership.isRemoved(id)) this.#met.delete(id);
    return [...members, ...this.#met.values()];
  }

  member(id: MemberId): MemberInfo | undefined {
    return this.members.find((info) => info.id === id);
  }

  /**
   * Somebody of this cluster who is not known greets.
   *
   * @returns whether it can be answered: it says where it listens
   */
  meet({ memberId: id, incarnation, peerUrls = [] }: Greeting): boolean {
    if (peerUrls.length === 0) return false;
    this.#met.delete(id);
    this.#met.set(id, { id, name: '', peerUrls, clientUrls: [], incarnation, isLearner: false });
    const [oldest] = this.#met.keys();
    if (this.#met.size > ACQUAINTANCES_MAX && oldest !== undefined) this.#met.delete(oldest);
    return true;
  }

  /**
   * A member greets of which the state does not say yet with what data it came. It may have voted with what it greeted
   * with first, long before an entry says so here.
   *
   * @returns the incarnation with which it greeted first
   */
  firstGreeting(id: MemberId, incarnation: bigint): bigint {
    const members = new Set(this.members.map((member) => member.id));
    for (const greeted of this.#greeted.keys()) if (!members.has(greeted)) this.#greeted.delete(greeted);
    const first = this.#greeted.get(id) ?? incarnation;
    this.#greeted.set(id, first);
    return first;
  }

  /**
   * Takes note of entries that stand in the log, or are about to. They take the place of what stood there.
   *
   * @returns whether that changes whom to talk to
   */
  appended(entries: readonly Entry[]): boolean {
    const before = this.#named.length;
    const firstIndex = entries[0]?.index ?? Number.POSITIVE_INFINITY;
    this.#named = this.#named.filter(({ index }) => index < firstIndex);
    let hasChanged = this.#named.length !== before;
    for (const { index, kind, data } of entries) {
      if (kind !== 'configuration') continue;
      this.#named.push({ index, infos: decodeMemberInfos(decodeConfiguration(data).context) });
      hasChanged = true;
    }
    return hasChanged;
  }

  /** Forgets what the applied state knows by now. */
  applied(index: number): void {
    if (this.#named.length > 0) this.#named = this.#named.filter((named) => named.index > index);
  }
}
