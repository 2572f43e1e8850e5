import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { between, seededPrng } from '../../../base/prng.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { rest } from '../../cluster/workload/surroundings.js';
import { Workload } from '../../cluster/workload/workload.js';
import { LoopDisk } from '../equipment/loop-disk.js';
import { type Drill, type DrillOptions, type DrillResult, quantiles } from './drill.js';
import { untilWritten } from './load.js';

const DISK_BYTES = 512 * 1024 * 1024;
const CLIENTS = 8;
const LOAD_MS_LEAST = 50;
const LOAD_MS_MOST = 900;
/** The log of a run is kept until it is judged, and the disk holds what was written; so there is a new cluster so often. */
const ROUNDS_A_CLUSTER = 50;

/**
 * The power of all members fails at one moment under load: of what each wrote only what had reached its disk is left. Nothing
 * acknowledged is lost.
 */
export const powerCuts: Drill = { name: 'power-cuts', rounds: 200, run };

interface Tally {
  readonly counts: Record<'powerCuts' | 'operations' | 'replayed' | 'unknownOutcomes', number>;
  readonly backMs: number[];
}

async function run(options: DrillOptions): Promise<DrillResult> {
  const skipped = LoopDisk.whyNot();
  if (skipped !== undefined) return { violations: [], figures: {}, skipped };
  const counts = { powerCuts: 0, operations: 0, replayed: 0, unknownOutcomes: 0 };
  const tally: Tally = { counts, backMs: [] };
  for (let done = 0; done < options.rounds && !options.signal.aborted; done += ROUNDS_A_CLUSTER) {
    const rounds = Math.min(ROUNDS_A_CLUSTER, options.rounds - done);
    await runOnOne({ ...options, seed: options.seed + done, rounds }, tally);
    options.tell(`${done + rounds} rounds: ${JSON.stringify(counts)}`);
  }
  return { violations: [], figures: { ...counts, ...quantiles('backMs', tally.backMs) } };
}

async function runOnOne(options: DrillOptions, tally: Tally): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'conclave-power-'));
  const disks = new Disks(folder);
  try {
    const dataDirOf = (name: string) => join(disks.mountPoint, name);
    const cluster = await ProcessCluster.start({ program: options.program, size: options.size, dataDirOf });
    try {
      await cutAgainAndAgain(cluster, disks, options, tally);
    } finally {
      await cluster.stop();
    }
  } finally {
    disks.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function cutAgainAndAgain(
  cluster: ProcessCluster,
  disks: Disks,
  { seed, rounds, signal }: DrillOptions,
  { counts, backMs }: Tally,
): Promise<void> {
  const prng = seededPrng(seed);
  const workload = await Workload.start(cluster, seed, { clients: CLIENTS });
  const { verdict, progress } = workload;
  try {
    for (let round = 0; round < rounds && verdict.isClean && !signal.aborted; round += 1) {
      await rest(between(prng, LOAD_MS_LEAST, LOAD_MS_MOST), signal);
      await cutPower(cluster, disks);
      const cutMs = performance.now();
      await Promise.all(cluster.members.map((member) => cluster.start(member)));
      await untilWritten(workload);
      backMs.push(performance.now() - cutMs);
      counts.powerCuts += 1;
    }
    await cluster.untilServing();
    counts.replayed += (await workload.finish()).replayedCount;
    counts.operations += progress.answeredCount;
    counts.unknownOutcomes += progress.unknownCount;
  } catch (error) {
    await workload.abandon();
    throw new Error(`--seed ${seed}: ${cluster.explain(error).message}`, { cause: error });
  }
}

/** All stand still while the copy is taken, so that it is of one moment; none of them goes on after it. */
async function cutPower(cluster: ProcessCluster, disks: Disks): Promise<void> {
  for (const member of cluster.members) member.pause();
  const copy = await disks.copy();
  await Promise.all(cluster.members.map((member) => cluster.kill(member)));
  disks.continueWith(copy);
}

/** The disk in use, always at one place, so that its members do not notice that it is another. */
class Disks {
  readonly mountPoint: string;
  readonly #folder: string;
  #disk: LoopDisk;
  #copyCount = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.mountPoint = join(folder, 'disk');
    this.#disk = LoopDisk.make(join(folder, 'image-0'), this.mountPoint, DISK_BYTES);
  }

  /** @returns the image's path */
  async copy(): Promise<string> {
    this.#copyCount += 1;
    const image = join(this.#folder, `image-${this.#copyCount}`);
    await this.#disk.copyTo(image);
    return image;
  }

  continueWith(image: string): void {
    this.#disk.unmount();
    this.#disk.remove();
    this.#disk = LoopDisk.open(image, this.mountPoint);
  }

  remove(): void {
    this.#disk.abandon();
    this.#disk.remove();
  }
}
