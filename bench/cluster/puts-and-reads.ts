import { everything, type Store } from 'conclave/core';
import { Samples } from '../measure.js';
import { atMember, type Contestant, type Ground, processorMs, withContestants } from './contestant.js';
import { load, type LoadFigures } from './load.js';
import { type Line, printContest } from './table.js';

const RUN_MS = 2_000;
const WARM_UP_MS = 1_000;
const KEYS = 1_000;
const VALUE = new Uint8Array(256).fill(7);
const RUNS_MAX = 3;

interface Task {
  readonly what: string;
  readonly callers: number;
  /** Whether it is asked of the leader, or of a follower. */
  readonly at: 'leader' | 'follower';
  readonly call: (store: Store, n: number) => Promise<unknown>;
}

const put = (store: Store, n: number) => store.put(`key/${n % KEYS}`, VALUE);
const get = (store: Store, n: number) => store.get(`key/${n % KEYS}`);
const getSerializable = (store: Store, n: number) => store.get(`key/${n % KEYS}`, { serializable: true });

const PUTS: readonly Task[] = [
  { what: 'puts, 1 caller', callers: 1, at: 'leader', call: put },
  { what: 'puts, 64 callers', callers: 64, at: 'leader', call: put },
  { what: 'puts, 256 callers', callers: 256, at: 'leader', call: put },
  { what: 'puts through a follower, 64 callers', callers: 64, at: 'follower', call: put },
];
const READS: readonly Task[] = [
  { what: 'linearizable reads, 1 caller', callers: 1, at: 'leader', call: get },
  { what: 'linearizable reads, 64 callers', callers: 64, at: 'leader', call: get },
  { what: 'linearizable reads at a follower, 64 callers', callers: 64, at: 'follower', call: get },
  { what: 'serializable reads, 64 callers', callers: 64, at: 'leader', call: getSerializable },
];

/** Puts and their cost. Whatever else the machine does falls on all, for they take turns. */
export function puts(ground: Ground): Promise<void> {
  return contest('Puts of 256 bytes', ground, PUTS);
}

export function reads(ground: Ground): Promise<void> {
  return contest('Reads of 256 bytes', ground, READS);
}

interface Runs {
  readonly figures: LoadFigures[];
  readonly processorUsPerCall: number[];
}

async function contest(title: string, ground: Ground, tasks: readonly Task[]): Promise<void> {
  await withContestants(
    ground,
    () => [],
    async (contestants) => {
      for (const contestant of contestants) await warmUp(contestant);
      const lines: Line[] = [];
      for (const task of tasks) {
        const runs = contestants.map((): Runs => ({ figures: [], processorUsPerCall: [] }));
        for (let round = 0; round < Math.min(RUNS_MAX, ground.rounds); round += 1) {
          for (let turn = 0; turn < contestants.length; turn += 1) {
            const at = (round + turn) % contestants.length;
            await run(task, contestants[at] as Contestant, runs[at] as Runs);
          }
        }
        lines.push(...linesOf(task, runs));
      }
      printContest(
        title,
        contestants.map(({ name }) => name),
        lines,
      );
    },
  );
}

async function warmUp({ cluster }: Contestant): Promise<void> {
  const store = await atMember(await cluster.leader());
  for (let n = 0; n < KEYS; n += 50) await Promise.all(Array.from({ length: 50 }, (_, at) => put(store, n + at)));
  await load(64, { forMs: WARM_UP_MS }, (n) => put(store, n));
  await store.range(everything(), { countOnly: true });
  await store.close();
}

async function run(task: Task, { cluster }: Contestant, runs: Runs): Promise<void> {
  const store = await atMember(await (task.at === 'leader' ? cluster.leader() : cluster.follower()));
  const before = processorMs(cluster);
  const figures = await load(task.callers, { forMs: RUN_MS }, (n) => task.call(store, n));
  runs.figures.push(figures);
  runs.processorUsPerCall.push(((processorMs(cluster) - before) * 1_000) / figures.calls);
  await store.close();
}

function linesOf({ what }: Task, runs: readonly Runs[]): Line[] {
  const median = (values: readonly number[]) => new Samples(values).p50;
  const samples = runs.map(({ figures }) => new Samples(figures.flatMap(({ times }) => times)));
  const failures = runs.map(({ figures }) => figures.reduce((sum, one) => sum + one.failures, 0));
  const besides = failures.some((count) => count > 0) ? { besides: `failed: ${failures.join(' and ')}` } : {};
  return [
    { what, unit: '/s', figures: runs.map(({ figures }) => median(figures.map((one) => one.perSecond))), ...besides },
    { what: '  p50', unit: 'ms', figures: samples.map(({ p50 }) => p50) },
    { what: '  p99', unit: 'ms', figures: samples.map(({ p99 }) => p99) },
    {
      what: '  processor time a call, all members',
      unit: 'µs',
      figures: runs.map(({ processorUsPerCall }) => median(processorUsPerCall)),
    },
  ];
}
