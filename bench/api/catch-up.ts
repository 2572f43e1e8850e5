import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { printContest } from '../cluster/table.js';
import { Samples } from '../measure.js';
import type { Answered, Asked } from './catch-up-reader.js';
import { type Contestant, goal, type Ground, ofEach } from './contestant.js';
import { SteadyLoad } from './steady-load.js';

const READER = new URL('./catch-up-reader.js', import.meta.url);

const REVISIONS = 100_000;
const VALUE = new Uint8Array(100).fill(7);
const PUTS_PER_SECOND = 500;
const AT_ONCE = 64;
const KEYS = 1_000;
/** So often, one after the other: the others' slowest hundredth needs many samples. */
const ROUNDS = 5;
const QUIET_MS = 3_000;
const SETTLED_MS = 500;
const LONGER_MAX = 1.25;
const PATIENCE_MS = 120_000;

interface Figures {
  readonly quiet: Samples;
  readonly beside: Samples;
  readonly catchUpMs: Samples;
  readonly lagMs: number | undefined;
}

/** A watcher that begins far in the past, beside puts that go on as before. */
export async function catchUp(ground: Ground): Promise<void> {
  const revisions = Math.ceil(REVISIONS / ground.divide);
  const { names, measured } = await ofEach(ground, (contestant) => measure(contestant, revisions));
  const longer = measured.map(({ quiet, beside }) => beside.p99 / quiet.p99);
  printContest(
    `A watcher ${revisions.toLocaleString('en')} revisions behind, beside ${PUTS_PER_SECOND} puts a second`,
    names,
    [
      { what: 'the watcher has caught up, p50', unit: 'ms', figures: measured.map(({ catchUpMs }) => catchUpMs.p50) },
      { what: 'puts before, p99', unit: 'ms', figures: measured.map(({ quiet }) => quiet.p99) },
      { what: 'puts meanwhile, p99', unit: 'ms', figures: measured.map(({ beside }) => beside.p99) },
      { what: '  so many times longer', unit: '', figures: longer, besides: goal(longer[0], LONGER_MAX, 'times') },
      {
        what: "the member's event loop stands still, at most",
        unit: 'ms',
        figures: measured.map(({ lagMs }) => lagMs),
      },
    ],
  );
}

async function measure(contestant: Contestant, revisions: number): Promise<Figures> {
  const store = await contestant.store();
  const first = (await store.put('behind/first', VALUE)).revision;
  for (let put = 0; put < revisions; put += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => store.put(`behind/${(put + at) % KEYS}`, VALUE)));
  }
  const load = new SteadyLoad(PUTS_PER_SECOND, (n) => store.put(`other/${n % KEYS}`, VALUE));
  load.begin();
  const { host, port } = contestant.address;
  const reader = fork(READER, [host, String(port)]);
  try {
    return await besideReader(reader, { prefix: 'behind/', fromRevision: first, events: revisions }, contestant, load);
  } finally {
    reader.disconnect();
    reader.kill();
    await load.end();
  }
}

async function besideReader(
  reader: ChildProcess,
  asked: Asked,
  contestant: Contestant,
  load: SteadyLoad,
): Promise<Figures> {
  const [quiet, beside, catchUpMs]: [Samples[], Samples[], number[]] = [[], [], []];
  let lagMs: number | undefined;
  // It has started, and all have warmed up.
  await caughtUp(reader, asked);
  for (let round = 0; round < ROUNDS; round += 1) {
    load.taken();
    await delay(QUIET_MS);
    quiet.push(load.taken().times);
    await contestant.probed();
    // The member collects its garbage to answer; who had to wait for that has nothing to do with the watcher.
    await delay(SETTLED_MS);
    load.taken();
    catchUpMs.push(await caughtUp(reader, asked));
    beside.push(load.taken().times);
    const probed = await contestant.probed();
    if (probed) lagMs = Math.max(lagMs ?? 0, probed.lagMaxMs);
  }
  return { quiet: Samples.of(quiet), beside: Samples.of(beside), catchUpMs: new Samples(catchUpMs), lagMs };
}

/** Milliseconds until a new watcher has all that was written since a revision. */
async function caughtUp(reader: ChildProcess, asked: Asked): Promise<number> {
  reader.send(asked);
  const [{ tookMs }] = (await once(reader, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Answered];
  return tookMs;
}
