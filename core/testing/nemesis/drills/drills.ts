import type { Drill, DrillOptions, DrillResult } from './drill.js';
import { halfOpenClient } from './half-open-client.js';
import { herd } from './herd.js';
import { hungDisk } from './hung-disk.js';
import { kills } from './kills.js';
import { leaderKills, leaderStops } from './leader-kills.js';
import { leaseStorm } from './lease-storm.js';
import { lostReply } from './lost-reply.js';
import { partialPartitions } from './partial-partitions.js';
import { powerCuts } from './power-cuts.js';
import { slowWatcher } from './slow-watcher.js';
import { staleHolders } from './stale-holders.js';
import { wiped } from './wiped.js';

/** All drills. */
export const DRILLS: readonly Drill[] = [
  kills,
  powerCuts,
  leaderKills,
  leaderStops,
  partialPartitions,
  staleHolders,
  hungDisk,
  wiped,
  lostReply,
  halfOpenClient,
  slowWatcher,
  herd,
  leaseStorm,
];

/** What is told of a drill, as one line of JSON. */
export type DrillSummary = DrillResult & {
  readonly drill: string;
  readonly program: string;
  readonly members: number;
  readonly seed: number;
  readonly rounds: number;
  readonly seconds: number;
};

/** Holds a drill; whatever it throws is a violation. */
export async function runDrill(drill: Drill, options: DrillOptions): Promise<DrillSummary> {
  const { program, size, seed, rounds, tell } = options;
  const startedMs = performance.now();
  tell(`${drill.name}: ${rounds} rounds, ${size} members of ${program.name}, --seed ${seed}`);
  const result = await drill.run(options).catch((error: unknown): DrillResult => {
    return { violations: [error instanceof Error ? error.message : String(error)], figures: {} };
  });
  if (result.skipped !== undefined) tell(`${drill.name} is left out: ${result.skipped}`);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  return { drill: drill.name, program: program.name, members: size, seed, rounds, seconds, ...result };
}
