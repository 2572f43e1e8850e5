import { seededPrng } from '../../base/prng.js';
import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';

/** What a crash may leave of that which was not synced. `killed`: the process ends, and the system goes on. */
export const CHOICES = [
  'nothing',
  'everything',
  'last dropped',
  'last torn',
  'random 1',
  'random 2',
  'random 3',
  'killed',
] as const;

export type Choice = (typeof CHOICES)[number];

/** The disk as it is found after a crash. */
export function diskAfter(disk: VirtualDisk, choice: Choice, at: number): VirtualDisk {
  if (choice === 'killed') return disk.afterKill();
  if (choice === 'random 1' || choice === 'random 2' || choice === 'random 3') {
    return disk.afterPowerCut(seededPrng(at * CHOICES.length + CHOICES.indexOf(choice)));
  }
  return disk.afterPowerCut(choice);
}
