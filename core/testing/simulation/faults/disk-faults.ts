import type { DiskOperation, FileAt } from '../disk/virtual-disk.js';
import type { VirtualMember } from '../process/virtual-member.js';
import { damageableOf } from './damageable.js';
import { drawDurationMs } from './durations.js';
import type { FaultKinds, Timed } from './fault.js';
import type { Ground } from './ground.js';
import { chooseMember, chooseOne, drawPick, drawVictim, isRunning, type Victim } from './victim.js';

/** What a disk refuses, once. */
type Refusal = 'read' | 'write' | 'sync' | 'open' | 'rename';

/** Damage to what lies on a disk: it is noticed when it is read, so the member is restarted in some of the cases. */
interface Damage extends Timed {
  readonly victim: Victim;
  readonly file: number;
  /** Where in the file, as a part of its length. */
  readonly place: number;
  readonly bit: number;
  readonly thenRestart: boolean;
}

/** The files of the engine that is in force. */
const ENGINE = /^\/data\/db\//;

/** What happens to disks. */
export type DiskFault =
  | (Timed & { readonly kind: 'disk error'; readonly victim: Victim; readonly on: Refusal; readonly forMs: number })
  | (Timed & {
      readonly kind: 'failed engine';
      readonly victim: Victim;
      readonly forMs: number;
      readonly downMs: number;
    })
  | (Timed & {
      readonly kind: 'full disk';
      readonly victim: Victim;
      readonly roomBytes: number;
      readonly forMs: number;
    })
  | (Timed & { readonly kind: 'slow disk'; readonly victim: Victim; readonly byMs: number; readonly forMs: number })
  | (Timed & { readonly kind: 'hung sync'; readonly victim: Victim; readonly forMs: number })
  | (Damage & { readonly kind: 'latent sector' })
  | (Damage & { readonly kind: 'bit flip' })
  | (Timed & { readonly kind: 'wiped disk'; readonly victim: Victim; readonly downMs: number });

export const DISK_FAULTS: FaultKinds<DiskFault> = {
  'disk error': {
    share: 0.3,
    weight: 2,
    draw: (dice) => ({
      victim: drawVictim(dice),
      on: dice.anyOf(['read', 'write', 'sync', 'sync', 'open', 'rename'] as const),
      forMs: dice.between(200, 5_000),
    }),
    async strike({ victim, on, forMs }, ground) {
      const member = chooseMember(ground.world, victim);
      if (member === undefined) return false;
      let failed = 0;
      const fault = ({ name }: DiskOperation) => (name === on && failed++ === 0 ? { code: 'EIO' } : undefined);
      await during(ground, member, { fault }, forMs);
      return failed > 0;
    },
  },
  // What a member that is started again takes over of its engine must still be there when the power is cut.
  'failed engine': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: (dice) => ({
      victim: drawVictim(dice),
      forMs: dice.between(1_000, 8_000),
      downMs: drawDurationMs(dice, 3_000),
    }),
    async strike({ victim, forMs, downMs }, ground) {
      const member = chooseMember(ground.world, victim);
      if (member === undefined) return false;
      let failed = 0;
      const fault = ({ name, path }: DiskOperation) =>
        name === 'sync' && ENGINE.test(path) && failed++ === 0 ? { code: 'EIO' } : undefined;
      await during(ground, member, { fault }, forMs);
      if (failed === 0 || !isRunning(member)) return failed > 0;
      ground.keeper.hold(member);
      member.crash('none');
      await ground.last(downMs);
      ground.keeper.release(member);
      return true;
    },
  },
  'full disk': {
    share: 0.3,
    weight: 1,
    most: 2,
    draw: (dice) => ({
      victim: drawVictim(dice),
      roomBytes: dice.between(0, 4_096),
      forMs: drawDurationMs(dice, 5_000),
    }),
    async strike({ victim, roomBytes, forMs }, ground) {
      const member = chooseMember(ground.world, victim);
      if (member === undefined || Number.isFinite(member.disk.capacityBytes)) return false;
      const usedBytes = member.disk.files().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const full = 'write: ENOSPC';
      const before = ground.world.effects.of(full);
      ground.toleratesFailuresOf(member);
      member.disk.capacityBytes = usedBytes + roomBytes;
      await ground.last(forMs);
      member.disk.capacityBytes = Number.POSITIVE_INFINITY;
      return ground.world.effects.of(full) > before;
    },
  },
  'slow disk': {
    share: 0.5,
    weight: 2,
    draw: (dice) => ({
      victim: drawVictim(dice),
      byMs: dice.weighted([
        [dice.between(1, 20), 3],
        [dice.between(20, 300), 1],
      ]),
      forMs: dice.chance(0.3) ? 2 * drawDurationMs(dice) : drawDurationMs(dice),
    }),
    async strike({ victim, byMs, forMs }, ground) {
      const member = chooseMember(ground.world, victim);
      if (member === undefined) return false;
      let slowed = 0;
      const delayMs = ({ name }: DiskOperation) => (isSync(name) ? byMs * (slowed++, 1) : 0);
      await during(ground, member, { delayMs }, forMs);
      return slowed > 0;
    },
  },
  'hung sync': {
    share: 0.4,
    weight: 1,
    most: 2,
    draw: (dice) => ({ victim: { ...drawVictim(dice), role: 'leader' as const }, forMs: dice.between(1_000, 12_000) }),
    async strike({ victim, forMs }, ground) {
      const member = chooseMember(ground.world, victim);
      if (member === undefined) return false;
      const untilMs = Math.min(ground.world.scheduler.now() + forMs, ground.healsAtMs);
      let hung = 0;
      const delayMs = ({ name }: DiskOperation) => {
        if (!isSync(name)) return 0;
        hung += 1;
        return Math.max(0, untilMs - ground.world.scheduler.now());
      };
      await during(ground, member, { delayMs }, forMs);
      return hung > 0;
    },
  },
  'latent sector': {
    share: 0.25,
    weight: 1,
    most: 2,
    draw: drawDamage,
    strike: (fault, ground) => damage(fault, ground, ({ disk }, { path }, offset) => disk.spoil(path, offset)),
  },
  'bit flip': {
    share: 0.25,
    weight: 1,
    most: 3,
    draw: drawDamage,
    strike: (fault, ground) =>
      damage(fault, ground, ({ disk }, { path }, offset) => disk.flip(path, offset, fault.bit)),
  },
  'wiped disk': {
    share: 0.15,
    weight: 2,
    most: 1,
    draw: (dice, { voterCount, mode }) =>
      voterCount === 1 || mode === 'beyond disk'
        ? undefined
        : { victim: drawVictim(dice), downMs: drawDurationMs(dice, 5_000) },
    async strike({ victim, downMs }, ground) {
      const member = chooseMember(
        ground.world,
        victim,
        (each) => each.state === 'serving' && ground.atlas.mayWipe(each),
      );
      if (member === undefined) return false;
      ground.atlas.damage(member);
      ground.keeper.hold(member);
      member.crash('nothing');
      member.wipe();
      await ground.last(downMs);
      ground.keeper.release(member);
      return true;
    },
  },
};

function isSync(name: DiskOperation['name']): boolean {
  return name === 'sync' || name === 'syncDirectory';
}

function drawDamage(dice: Parameters<(typeof DISK_FAULTS)['bit flip']['draw']>[0]) {
  return {
    victim: drawVictim(dice),
    file: drawPick(dice),
    place: dice.next(),
    bit: dice.between(0, 7),
    thenRestart: dice.chance(0.7),
  };
}

async function during(
  ground: Ground,
  member: VirtualMember,
  condition: Parameters<Ground['disks']['impose']>[1],
  forMs: number,
): Promise<void> {
  ground.toleratesFailuresOf(member);
  const end = ground.disks.impose(member.disk, condition);
  await ground.last(forMs);
  end();
}

async function damage(
  fault: Damage,
  ground: Ground,
  harm: (member: VirtualMember, file: FileAt, offset: number) => void,
): Promise<boolean> {
  const member = chooseMember(ground.world, fault.victim, (each) => ground.atlas.mayDamage(each) && isRunning(each));
  const file = member && chooseOne(damageableOf(member.disk), fault.file);
  if (member === undefined || file === undefined) return false;
  ground.atlas.damage(member);
  harm(member, file, Math.floor(fault.place * file.sizeBytes));
  if (fault.thenRestart) member.kill();
  return true;
}
