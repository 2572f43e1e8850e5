import type { Dice } from '../../../raft/testing/dice.js';
import type { VirtualMember } from '../process/virtual-member.js';
import type { World } from '../world.js';

/** Whom a fault falls on: `pick` chooses among those who have this part at that moment, or among all if nobody has. */
export interface Victim {
  readonly role: 'leader' | 'follower' | 'learner' | 'any';
  readonly pick: number;
}

const PICKS = 5_040; // The number of ways to be one of seven, five, three: each member is as likely as any other.

/** The leader in every second case: what befalls followers only is seldom noticed. */
export function drawVictim(dice: Dice): Victim {
  const role = dice.weighted([
    ['leader', 5],
    ['follower', 2],
    ['learner', 1],
    ['any', 2],
  ] as const);
  return { role, pick: drawPick(dice) };
}

/** A number that chooses one of however many there are when it strikes. */
export function drawPick(dice: Dice): number {
  return dice.between(0, PICKS - 1);
}

/** The member that is chosen now, among those of whom `isEligible` holds. */
export function chooseMember(
  world: World,
  { role, pick }: Victim,
  isEligible: (member: VirtualMember) => boolean = isRunning,
): VirtualMember | undefined {
  const eligible = world.members.filter(isEligible);
  const inRole = eligible.filter((member) => hasRole(world, member, role));
  return chooseOne(inRole.length > 0 ? inRole : eligible, pick);
}

/** One of several, by a number drawn earlier. */
export function chooseOne<T>(candidates: readonly T[], pick: number): T | undefined {
  return candidates[pick % Math.max(1, candidates.length)];
}

/** Whoever leads in the highest term, as far as the world can see. */
export function leaderOf(world: World): VirtualMember | undefined {
  let leader: VirtualMember | undefined;
  for (const member of world.members) {
    if (!isRunning(member) || member.raft?.role !== 'leader') continue;
    if (leader?.raft === undefined || leader.raft.term < member.raft.term) leader = member;
  }
  return leader;
}

/** Whether there is a process for something to happen to. */
export function isRunning(member: VirtualMember): boolean {
  return member.state !== 'down';
}

function hasRole(world: World, member: VirtualMember, role: Victim['role']): boolean {
  switch (role) {
    case 'any':
      return true;
    case 'leader':
      return member === leaderOf(world);
    case 'learner':
      return member.raft !== undefined && member.raft.configuration.learners.includes(member.id);
    case 'follower':
      return member.raft?.role === 'follower' && !hasRole(world, member, 'learner');
  }
}
