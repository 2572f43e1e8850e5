import type { Dice } from '../../../raft/testing/dice.js';
import { ADMIN_FAULTS } from './admin-faults.js';
import { CLOCK_FAULTS } from './clock-faults.js';
import { DISK_FAULTS } from './disk-faults.js';
import type { Fault, FaultGroup, FaultKind } from './fault.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { PROCESS_FAULTS } from './process-faults.js';
import type { SeedOptions } from './seed-options.js';

const GROUPS = {
  process: PROCESS_FAULTS,
  network: NETWORK_FAULTS,
  disk: DISK_FAULTS,
  clock: CLOCK_FAULTS,
  admin: ADMIN_FAULTS,
} as const;

/** One kind, with its name and its group. */
export interface NamedKind extends FaultKind<Fault> {
  readonly name: Fault['kind'];
  readonly group: FaultGroup;
}

/** Every kind that there is, by name. */
export const FAULT_KINDS: ReadonlyMap<string, NamedKind> = new Map(
  Object.entries(GROUPS).flatMap(([group, kinds]) =>
    Object.entries(kinds).map(([name, kind]) => [name, { ...kind, name, group }] as const),
  ),
);

const FAULTS_LEAST = 8;
const FAULTS_MOST = 26;
/** The world comes together before the first fault, and some time of the safety phase is left after the last one. */
const FIRST_MS = 1_000;
const LAST_MS = 2_000;

/**
 * What happens to a world, in the order of time. Each kind is left out of about half of the seeds, so that those that are
 * there are not hidden behind others.
 *
 * @param stream - a stream of chance by its name: what one kind draws changes nothing for another
 */
export function drawFaults(stream: (name: string) => Dice, options: SeedOptions): readonly Fault[] {
  const choosing = stream('kinds of faults');
  const kinds = [...FAULT_KINDS.values()].filter(({ share }) => choosing.chance(share));
  const counts = drawCounts(choosing, kinds);
  const faults = kinds.flatMap((kind) =>
    drawOfKind(kind, counts.get(kind) ?? 0, stream(`faults: ${kind.name}`), options),
  );
  return faults.sort((one, other) => one.atMs - other.atMs);
}

/** The kind of a fault. @throws for one that nobody knows, as from a file */
export function kindOf({ kind }: Pick<Fault, 'kind'>): NamedKind {
  const known = FAULT_KINDS.get(kind);
  if (known === undefined)
    throw new Error(`there is no fault '${kind}'; there are ${[...FAULT_KINDS.keys()].join(', ')}`);
  return known;
}

function drawCounts(dice: Dice, kinds: readonly NamedKind[]): ReadonlyMap<NamedKind, number> {
  const counts = new Map<NamedKind, number>();
  if (kinds.length === 0) return counts;
  const weights = kinds.map((kind) => [kind, kind.weight] as const);
  for (let left = dice.between(FAULTS_LEAST, FAULTS_MOST); left > 0; left -= 1) {
    const kind = dice.weighted(weights);
    counts.set(kind, Math.min((counts.get(kind) ?? 0) + 1, kind.most ?? Number.MAX_SAFE_INTEGER));
  }
  return counts;
}

function drawOfKind(kind: NamedKind, count: number, dice: Dice, options: SeedOptions): Fault[] {
  const faults: Fault[] = [];
  for (let number = 0; number < count; number += 1) {
    const atMs = dice.between(FIRST_MS, options.safetyMs - LAST_MS);
    const particulars = kind.draw(dice, options);
    if (particulars !== undefined) faults.push({ atMs, kind: kind.name, ...particulars } as Fault);
  }
  return faults;
}
