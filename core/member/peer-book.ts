import { decodeMemberInfos } from '../machine/member-info.js';
import type { Membership } from '../machine/membership.js';
import type { MemberInfo } from '../machine/types.js';
import { decodeConfiguration } from '../raft/configuration.js';
import type { Entry, MemberId } from '../raft/types.js';

/** The new members that an entry of the log names. */
interface Named {
  readonly index: number;
  readonly infos: readonly MemberInfo[];
}

/**
 * Whom this member talks to. Beside the members that the applied state knows, those of configurations that are in the log
 * and not applied yet: a new configuration is in force from when it is appended (Ongaro 2014, section 4.1), and where a
 * new member's acknowledgement is needed to commit it, it must be reached before.
 */
export class PeerBook {
  readonly #membership: () => Membership;
  /** Told by those whom a joiner asked; they count until its own state knows better. */
  readonly #told: readonly MemberInfo[];
  #named: Named[] = [];

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

  member(id: MemberId): MemberInfo | undefined {
    return this.members.find((info) => info.id === id);
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
