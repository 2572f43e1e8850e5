import type { Configuration } from '../../../raft/types.js';
import type { VirtualMember } from '../process/virtual-member.js';
import type { World } from '../world.js';
import { isRunning } from './victim.js';

/**
 * Which members have lost or damaged what was durable on them. In every majority there must be one that has not, or
 * what was acknowledged is gone and no store could keep its promise: so no more than f of 2f + 1 are ever damaged at a time.
 */
export class Atlas {
  readonly #world: World;
  readonly #damaged = new Set<VirtualMember>();
  /** Damages of which more are done than can be repaired; then members must stop instead of telling what is wrong. */
  readonly isBoundless: boolean;

  constructor(world: World, isBoundless: boolean) {
    this.#world = world;
    this.isBoundless = isBoundless;
  }

  /** Whether a quorum can repair it, as the members know themselves now, if this one is damaged as well. */
  mayDamage(member: VirtualMember): boolean {
    if (this.isBoundless || this.#damaged.has(member)) return true;
    const configurations = this.#world.members.filter(isRunning).flatMap(({ raft }) => raft?.configuration ?? []);
    const damaged = new Set([...this.#damaged, member].map(({ id }) => id));
    return configurations.length > 0 && configurations.every((each) => isRepairable(each, damaged));
  }

  /**
   * Whether it may lose its whole disk: the others refuse it from then on, as far as they know with what data it came. If
   * those who do not know and it were a majority, they could elect a leader that lacks what it had acknowledged.
   */
  mayWipe(member: VirtualMember): boolean {
    const running = this.#world.members.filter(isRunning);
    const knows = ({ machine }: VirtualMember) => (machine?.membership.member(member.id)?.incarnation ?? 0n) !== 0n;
    const sound = new Set(running.filter((each) => each !== member && !this.#damaged.has(each) && knows(each)));
    const others = this.#world.members.filter((each) => !sound.has(each)).map(({ id }) => id);
    const configurations = running.flatMap(({ raft }) => raft?.configuration ?? []);
    return this.mayDamage(member) && configurations.every((each) => isRepairable(each, new Set(others)));
  }

  damage(member: VirtualMember): void {
    this.#damaged.add(member);
  }

  isDamaged(member: VirtualMember): boolean {
    return this.#damaged.has(member);
  }

  /** It is no member any more, and another one is in its place. */
  replaced(member: VirtualMember): void {
    this.#damaged.delete(member);
  }

  get damaged(): ReadonlySet<VirtualMember> {
    return this.#damaged;
  }
}

/**
 * Whether every majority of these members has one that is not among the damaged, even if those that learn are given a vote
 * before anybody notices what is wrong with them.
 */
export function isRepairable({ voters, learners, outgoing }: Configuration, damaged: ReadonlySet<bigint>): boolean {
  const sound = (group: readonly bigint[]) => group.filter((id) => !damaged.has(id)).length > group.length / 2;
  const damagedLearners = learners.filter((id) => damaged.has(id));
  return sound([...voters, ...damagedLearners]) && (outgoing === undefined || sound(outgoing));
}
