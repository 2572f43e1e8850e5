import { MemberRefusedError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Membership } from '../machine/membership.js';
import type { Greeting, Refused } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';
import type { Identity } from './identity.js';
import type { PeerBook } from './peer-book.js';

export interface AdmissionParts {
  readonly identity: Identity;
  readonly membership: () => Membership;
  readonly book: PeerBook;
  readonly logger: Logger;
  readonly isConnected: (id: MemberId) => boolean;
  /** Called when there is somebody more in the book. */
  readonly onMet: () => void;
}

/** Whom this member talks to, and who will not talk to it. */
export class Admission {
  readonly #parts: AdmissionParts;
  /** What those say who will not have this member. */
  readonly #refusals = new Map<MemberId, Refused>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Why this member will not talk to whoever greets so; undefined if it will. */
  accept(greeting: Greeting): Refused | undefined {
    const { clusterId, memberId, incarnation } = greeting;
    const { identity, membership, book } = this.#parts;
    const id = hex(memberId);
    if (clusterId !== identity.clusterId) {
      const reason = `member ${hex(identity.memberId)} belongs to cluster ${hex(identity.clusterId)}, not to ${hex(clusterId)}`;
      return { code: 'clusterMismatch', reason };
    }
    if (memberId === identity.memberId) {
      return { code: 'wrongMember', reason: `member ${id} is this very member: two processes have the same data` };
    }
    if (membership().isRemoved(memberId)) {
      return { code: 'memberRemoved', reason: `member ${id} was removed from the cluster` };
    }
    const info = book.member(memberId);
    if (info === undefined) return this.#meet(greeting);
    const known = info.incarnation === 0n ? book.firstGreeting(memberId, incarnation) : info.incarnation;
    if (known !== incarnation) {
      const reason = `member ${id} has lost its disk, and with it what it promised; replace it by a new member`;
      return { code: 'memberWiped', reason };
    }
    return undefined;
  }

  /** It was added while this one was away; or so it says, and those who know better will tell. */
  #meet(greeting: Greeting): Refused | undefined {
    const { book, onMet } = this.#parts;
    const wasMet = book.reachable.some(({ id }) => id === greeting.memberId);
    if (!book.meet(greeting))
      return { code: 'memberUnknown', reason: `member ${hex(greeting.memberId)} is not known here yet` };
    if (!wasMet) onMet();
    return undefined;
  }

  /** Takes note that a member will not have this one. */
  refused(by: MemberId, refused: Refused): void {
    const { logger } = this.#parts;
    const known = this.#refusals.get(by);
    this.#refusals.set(by, refused);
    if (known?.code === refused.code && known.reason === refused.reason) return;
    logger.warn({ by: hex(by), code: refused.code, reason: refused.reason }, 'another member refuses this one');
  }

  /** What stands between this member and others at present, for whoever wonders. */
  get troubles(): readonly string[] {
    this.#forgetWelcome();
    return [...this.#refusals].map(([by, { reason }]) => `member ${hex(by)} refuses this one: ${reason}`);
  }

  /**
   * Why this member can never serve: everybody who answers says that it belongs elsewhere, or is not who it was. Only to
   * be asked before it has known a leader, and after there was time to find one.
   */
  get verdict(): MemberRefusedError | undefined {
    const { book, identity, isConnected } = this.#parts;
    this.#forgetWelcome();
    const others = book.members.filter(({ id }) => id !== identity.memberId);
    const [first] = this.#refusals.values();
    if (first === undefined || others.some(({ id }) => isConnected(id))) return undefined;
    const isFinal = ({ code }: Refused) => code === 'clusterMismatch' || code === 'memberWiped';
    return [...this.#refusals.values()].every(isFinal) ? new MemberRefusedError(first.code, first.reason) : undefined;
  }

  #forgetWelcome(): void {
    for (const id of this.#refusals.keys()) if (this.#parts.isConnected(id)) this.#refusals.delete(id);
  }
}

function hex(id: bigint): string {
  return id.toString(16);
}
