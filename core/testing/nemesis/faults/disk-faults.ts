import { rmSync, writeFileSync } from 'node:fs';
import { between } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { controlOf, type Equipment } from '../equipment/equipment.js';
import type { Fault, Strike } from './fault.js';

const SLOW_MS_LEAST = 20;
const SLOW_MS_MOST = 400;
const LEFT_BYTES_MOST = 512 * 1024;

/** What can happen to what a member writes. A member that ends itself over it is started again once all is well. */
export const DISK_FAULTS: readonly Fault[] = [
  syncs('failing-sync', () => 'fail'),
  syncs('hung-sync', () => 'hang'),
  syncs('slow-sync', ({ prng }) => String(between(prng, SLOW_MS_LEAST, SLOW_MS_MOST))),
  {
    name: 'full-disk',
    group: 'surroundings',
    whyNot: ({ disk }) => (typeof disk === 'string' ? disk : undefined),
    strike: fillDisk,
  },
];

function syncs(name: string, word: (strike: Strike) => string): Fault {
  return {
    name,
    group: 'surroundings',
    whyNot: ({ failingSync }) => (typeof failingSync === 'string' ? failingSync : undefined),
    async strike(strike) {
      const { cluster, victim, equipment, last } = strike;
      const file = syncFile(equipment, victim);
      writeFileSync(file, word(strike));
      await last();
      rmSync(file, { force: true });
      await cluster.start(victim);
    },
  };
}

/** The file by which a member's syncs are told to fail, hang or be slow. */
export function syncFile({ failingSync }: Equipment, { name }: MemberProcess): string {
  if (typeof failingSync === 'string') throw new Error(failingSync);
  return controlOf(failingSync, name);
}

async function fillDisk({ cluster, prng, equipment: { disk }, last }: Strike): Promise<boolean> {
  if (typeof disk === 'string') return false;
  const victim = cluster.members.find(({ dataDir }) => dataDir.startsWith(disk.folder));
  if (!victim) return false;
  disk.fill(between(prng, 0, LEFT_BYTES_MOST));
  await last();
  disk.free();
  await cluster.start(victim);
  return true;
}
