import { setTimeout as delay } from 'node:timers/promises';
import { WatchService } from '../../core/rpc/gen/watch.js';
import { printContest } from '../cluster/table.js';
import { Samples } from '../measure.js';
import { type Contestant, goal, type Ground, ofEach, until } from './contestant.js';
import { SteadyLoad } from './steady-load.js';
import { createWatch, eventCount } from './watch-messages.js';

const REVISIONS = 100_000;
const VALUE = new Uint8Array(100).fill(7);
const PUTS_PER_SECOND = 500;
const AT_ONCE = 64;
const KEYS = 1_000;
/** So often, one after the other: the others' slowest hundredth needs many samples. */
const ROUNDS = 5;
const QUIET_MS = 3_000;
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
  const revisions = Math.ceil(REVISIONS / ground.divisor);
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
  await delay(QUIET_MS);
  load.taken();
  const [quiet, beside, catchUpMs]: [Samples[], Samples[], number[]] = [[], [], []];
  let lagMs: number | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    await delay(QUIET_MS);
    quiet.push(load.taken().times);
    await contestant.probed();
    catchUpMs.push(await caughtUp(contestant, first, revisions));
    const probed = await contestant.probed();
    if (probed) lagMs = Math.max(lagMs ?? 0, probed.lagMaxMs);
    beside.push(load.taken().times);
  }
  await load.end();
  return { quiet: Samples.of(quiet), beside: Samples.of(beside), catchUpMs: new Samples(catchUpMs), lagMs };
}

/** Milliseconds until a new watcher has all that was written since a revision. */
async function caughtUp(contestant: Contestant, fromRevision: number, revisions: number): Promise<number> {
  const client = contestant.raw();
  const stream = client.stream(WatchService.watch);
  const begunMs = performance.now();
  stream.send(createWatch({ prefix: 'behind/', startRevision: BigInt(fromRevision) }));
  let events = 0;
  const reading = (async () => {
    while (events < revisions) events += eventCount(await stream.next());
  })();
  await until('the watcher has caught up', PATIENCE_MS, () => events >= revisions);
  await reading;
  const tookMs = performance.now() - begunMs;
  stream.cancel();
  client.close();
  return tookMs;
}
