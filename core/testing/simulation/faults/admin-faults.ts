import type { VirtualMember } from '../process/virtual-member.js';
import type { FaultKinds, Timed } from './fault.js';
import type { Ground } from './ground.js';
import { stopInOrder } from './process-faults.js';
import { chooseMember, chooseOne, drawPick, drawVictim, isRunning, leaderOf, type Victim } from './victim.js';

/** What an operator does to a cluster. */
export type AdminFault =
  | (Timed & {
      readonly kind: 'compaction';
      readonly behind: number;
      readonly physical: boolean;
      readonly times: number;
    })
  | (Timed & { readonly kind: 'leader moved'; readonly to: number; readonly times: number })
  | (Timed & { readonly kind: 'learner added' })
  | (Timed & { readonly kind: 'voter added' })
  | (Timed & { readonly kind: 'learner promoted'; readonly pick: number })
  | (Timed & { readonly kind: 'member removed'; readonly victim: Victim })
  | (Timed & { readonly kind: 'member replaced'; readonly victim: Victim })
  | (Timed & { readonly kind: 'backup'; readonly pick: number })
  | (Timed & { readonly kind: 'defragmentation'; readonly pick: number })
  | (Timed & { readonly kind: 'rolling restart'; readonly pauseMs: number });

const BETWEEN_COMPACTIONS_MS = 300;
const BETWEEN_MOVES_MS = 700;
const RESTART_PATIENCE_MS = 4_000;

export const ADMIN_FAULTS: FaultKinds<AdminFault> = {
  compaction: {
    share: 0.6,
    weight: 3,
    draw: (dice) => ({
      // Every second one exactly at the newest revision.
      behind: dice.chance(0.5) ? 0 : dice.between(1, 30),
      physical: dice.chance(0.3),
      times: dice.between(1, 8),
    }),
    async strike({ behind, physical, times }, ground) {
      let done = false;
      for (let time = 0; time < times && !ground.isOver; time += 1) {
        const { operator } = ground;
        const answer = await operator.ask((face) => face.compact(Math.max(1, face.revision - behind), physical));
        done = 'value' in answer || done;
        await ground.last(BETWEEN_COMPACTIONS_MS);
      }
      return done;
    },
  },
  'leader moved': {
    share: 0.5,
    weight: 2,
    draw: (dice, { voterCount }) => (voterCount === 1 ? undefined : { to: drawPick(dice), times: dice.between(1, 5) }),
    async strike({ to, times }, ground) {
      let moved = false;
      for (let time = 0; time < times && !ground.isOver; time += 1) {
        const leader = leaderOf(ground.world);
        const others = (leader?.raft?.configuration.voters ?? []).filter((id) => id !== leader?.id);
        const target = chooseOne(others, to + time);
        if (leader?.member !== undefined && target !== undefined) {
          const answer = await ground.operator.patiently(leader.member.moveLeader(target));
          moved = 'value' in answer || moved;
        }
        await ground.last(BETWEEN_MOVES_MS);
      }
      return moved;
    },
  },
  'learner added': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: () => ({}),
    strike: (_fault, { operator }) => operator.inTurn(() => operator.add({ isLearner: true })),
  },
  'voter added': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: () => ({}),
    strike: (_fault, { operator }) => operator.inTurn(() => operator.add({ isLearner: false })),
  },
  'learner promoted': {
    share: 0.3,
    weight: 1,
    draw: (dice) => ({ pick: drawPick(dice) }),
    async strike({ pick }, { world, operator }) {
      const learner = chooseMember(world, { role: 'learner', pick }, isLearning);
      return learner !== undefined && operator.inTurn(() => operator.promote(learner));
    },
  },
  'member removed': {
    share: 0.3,
    weight: 1,
    most: 3,
    draw: (dice) => ({ victim: drawVictim(dice) }),
    async strike({ victim }, { world, operator }) {
      const member = chooseMember(world, victim);
      return member !== undefined && operator.inTurn(() => operator.remove(member));
    },
  },
  'member replaced': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: (dice) => ({ victim: drawVictim(dice) }),
    async strike({ victim }, { world, operator }) {
      const member = chooseMember(world, victim);
      return member !== undefined && operator.inTurn(() => operator.replace(member));
    },
  },
  backup: {
    share: 0.4,
    weight: 1,
    most: 3,
    draw: (dice) => ({ pick: drawPick(dice) }),
    async strike({ pick }, ground) {
      const member = chooseOne(serving(ground), pick);
      return member !== undefined && backUp(member, ground);
    },
  },
  defragmentation: {
    share: 0.4,
    weight: 2,
    most: 4,
    draw: (dice) => ({ pick: drawPick(dice) }),
    async strike({ pick }, ground) {
      const member = chooseOne(serving(ground), pick)?.member;
      return member !== undefined && 'value' in (await ground.operator.patiently(member.defragment()));
    },
  },
  'rolling restart': {
    share: 0.25,
    weight: 1,
    most: 1,
    draw: (dice) => ({ pauseMs: dice.between(0, 1_500) }),
    async strike({ pauseMs }, ground) {
      let restarted = 0;
      for (const member of ground.world.members) {
        if (ground.isOver) break;
        if (await restartWithOtherSettings(member, ground)) restarted += 1;
        await ground.last(pauseMs);
      }
      return restarted > 0;
    },
  },
};

function serving({ world }: Ground): VirtualMember[] {
  return world.members.filter(({ state }) => state === 'serving');
}

function isLearning(member: VirtualMember): boolean {
  return isRunning(member) && member.raft !== undefined && member.raft.configuration.learners.includes(member.id);
}

/** Reads a whole snapshot while writes go on. */
async function backUp({ member }: VirtualMember, { operator }: Ground): Promise<boolean> {
  if (member === undefined) return false;
  const answer = await operator.patiently(
    Promise.resolve().then(async () => {
      const snapshot = member.snapshot();
      let bytes = 0;
      try {
        for await (const chunk of snapshot.chunks()) bytes += chunk.length;
      } finally {
        snapshot.close();
      }
      return bytes;
    }),
  );
  return 'value' in answer && answer.value > 0;
}

async function restartWithOtherSettings(member: VirtualMember, ground: Ground): Promise<boolean> {
  if (member.state !== 'serving') return false;
  ground.keeper.hold(member);
  await stopInOrder(member, ground);
  member.options = { ...member.options, ...ground.options.otherSettings };
  ground.keeper.release(member);
  const isBack = () => member.state === 'serving';
  for (let waitedMs = 0; !isBack() && waitedMs < RESTART_PATIENCE_MS && !ground.isOver; waitedMs += 100)
    await ground.last(100);
  return true;
}
