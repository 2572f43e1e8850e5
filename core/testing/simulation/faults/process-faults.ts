import type { Dice } from '../../../raft/testing/dice.js';
import type { VirtualMember } from '../process/virtual-member.js';
import { drawDurationMs } from './durations.js';
import type { FaultKinds, Timed } from './fault.js';
import type { Ground } from './ground.js';
import { chooseMember, chooseOne, drawPick, drawVictim, isRunning, type Victim } from './victim.js';

/** What a power cut leaves of what was written and not synced: all of it, nothing, or each part by chance, perhaps torn. */
export type Survival = 'all' | 'none' | 'some';

/** What happens to processes, and to the machines they run on. */
export type ProcessFault =
  | (Timed & {
      readonly kind: 'power cut';
      readonly victim: Victim;
      readonly survival: Survival;
      /** The moment: whatever it is, or while something is being written. */
      readonly during: 'anything' | 'a sync';
      readonly downMs: number;
    })
  | (Timed & { readonly kind: 'power cut of all'; readonly survival: Survival; readonly downMs: number })
  | (Timed & { readonly kind: 'kill'; readonly victim: Victim; readonly downMs: number })
  | (Timed & { readonly kind: 'restart'; readonly victim: Victim; readonly downMs: number })
  | (Timed & { readonly kind: 'crash loop'; readonly victim: Victim; readonly times: number; readonly everyMs: number })
  | (Timed & { readonly kind: 'pause'; readonly victim: Victim; readonly forMs: number })
  | (Timed & { readonly kind: 'pause of a client'; readonly pick: number; readonly forMs: number });

/** How long a power cut waits for the victim to write something. */
const SYNC_PATIENCE_MS = 300;
const SYNC_LOOK_MS = 1;

export const PROCESS_FAULTS: FaultKinds<ProcessFault> = {
  'power cut': {
    share: 0.6,
    weight: 4,
    draw: (dice) => ({
      victim: drawVictim(dice),
      survival: drawSurvival(dice),
      during: dice.anyOf(['anything', 'a sync'] as const),
      downMs: drawDownMs(dice),
    }),
    async strike(fault, ground) {
      const victim = chooseMember(ground.world, fault.victim);
      if (victim === undefined) return false;
      if (fault.during === 'a sync') await untilWriting(victim, ground);
      return down(victim, fault.downMs, ground, () => cutPower(victim, fault, ground));
    },
  },
  'power cut of all': {
    share: 0.4,
    weight: 1,
    most: 2,
    draw: (dice) => ({ survival: drawSurvival(dice), downMs: dice.between(0, 2_000) }),
    async strike(fault, ground) {
      const running = ground.world.members.filter(isRunning);
      const struck = running.map((member) => down(member, fault.downMs, ground, () => cutPower(member, fault, ground)));
      return (await Promise.all(struck)).includes(true);
    },
  },
  kill: {
    share: 0.5,
    weight: 3,
    draw: (dice) => ({ victim: drawVictim(dice), downMs: drawDownMs(dice) }),
    async strike(fault, ground) {
      const victim = chooseMember(ground.world, fault.victim);
      return victim !== undefined && down(victim, fault.downMs, ground, () => victim.kill());
    },
  },
  restart: {
    share: 0.5,
    weight: 2,
    draw: (dice) => ({ victim: drawVictim(dice), downMs: dice.between(0, 1_000) }),
    async strike(fault, ground) {
      const victim = chooseMember(ground.world, fault.victim, ({ state }) => state === 'serving');
      return victim !== undefined && down(victim, fault.downMs, ground, () => stopInOrder(victim, ground));
    },
  },
  'crash loop': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: (dice) => ({ victim: drawVictim(dice), times: dice.between(2, 5), everyMs: dice.between(20, 800) }),
    async strike(fault, ground) {
      const victim = chooseMember(ground.world, fault.victim);
      if (victim === undefined) return false;
      for (let time = 0; time < fault.times && !ground.isOver; time += 1) {
        await down(victim, fault.everyMs / 4, ground, () => victim.kill());
        await ground.last(fault.everyMs);
      }
      return true;
    },
  },
  pause: {
    share: 0.5,
    weight: 3,
    draw: (dice) => ({ victim: drawVictim(dice), forMs: drawDurationMs(dice, 9_000) }),
    async strike(fault, ground) {
      const victim = chooseMember(ground.world, fault.victim, (member) => isRunning(member) && !member.isPaused);
      if (victim === undefined) return false;
      victim.pause();
      await ground.last(fault.forMs);
      victim.resume();
      return true;
    },
  },
  'pause of a client': {
    share: 0.4,
    weight: 2,
    draw: (dice) => ({ pick: drawPick(dice), forMs: drawDurationMs(dice, 9_000) }),
    async strike(fault, { world, last }) {
      const candidates = world.clients.filter((client) => client.isRunning && !client.isPaused);
      const victim = chooseOne(candidates, fault.pick);
      if (victim === undefined) return false;
      victim.pause();
      await last(fault.forMs);
      victim.resume();
      return true;
    },
  },
};

function drawSurvival(dice: Dice): Survival {
  return dice.weighted([
    ['some', 3],
    ['none', 2],
    ['all', 1],
  ]);
}

function drawDownMs(dice: Dice): number {
  return dice.chance(0.3) ? dice.between(0, 50) : drawDurationMs(dice, 10_000);
}

/** Keeps a member down for a while from what stops it. */
async function down(
  member: VirtualMember,
  forMs: number,
  { keeper, last }: Ground,
  stop: () => void | Promise<void>,
): Promise<boolean> {
  if (!isRunning(member)) return false;
  keeper.hold(member);
  await stop();
  await last(forMs);
  keeper.release(member);
  return true;
}

function cutPower(
  member: VirtualMember,
  { survival, atMs }: { readonly survival: Survival; readonly atMs: number },
  { world }: Ground,
): void {
  member.crash(survival === 'some' ? world.chance(`what survives at ${atMs} of ${member.name}`) : survival);
}

/** As an init system does it: in order, or by force if that takes too long. That a disk failed at the last moment is no more to it than that. */
export async function stopInOrder(member: VirtualMember, { operator }: Ground): Promise<void> {
  const stopped = member.stop().catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EIO' && error.code !== 'ENOSPC') throw error;
  });
  await operator.patiently(stopped);
  if (isRunning(member)) member.kill();
}

async function untilWriting(member: VirtualMember, ground: Ground): Promise<void> {
  for (let waitedMs = 0; waitedMs < SYNC_PATIENCE_MS && isRunning(member); waitedMs += SYNC_LOOK_MS) {
    if (member.disk.unsyncedBytes('/') > 0) return;
    await ground.last(SYNC_LOOK_MS);
  }
}
