import { setTimeout as delay } from 'node:timers/promises';
import { everything, prefix } from 'conclave/core';
import { LeaseService } from '../../core/rpc/gen/lease.js';
import { printContest } from '../cluster/table.js';
import type { Samples } from '../measure.js';
import { type Contestant, goal, type Ground, ofEach, until } from './contestant.js';
import { SteadyLoad } from './steady-load.js';

const LEASES = 100_000;
/** One lease in so many has a key. */
const KEY_ONE_IN = 10;
const AT_ONCE = 200;
const CONNECTIONS = 8;
const PUTS_PER_SECOND = 200;
/** What a lease takes to be granted, at most: by that they are granted to end together. */
const GRANT_MS = 2;
const LEAVE_MS_MAX = 10_000;
const P99_MS_MAX = 100;
const PATIENCE_MS = 120_000;
const VALUE = new Uint8Array(100).fill(7);

interface Figures {
  readonly leftMs: number;
  readonly puts: Samples;
  readonly quiet: Samples;
  readonly failures: number;
  readonly lagMs: number | undefined;
}

/** Leases that all end in the same second, beside puts that go on. */
export async function expiry(ground: Ground): Promise<void> {
  const count = Math.ceil(LEASES / ground.divide);
  const { names, measured } = await ofEach(ground, (contestant) => measure(contestant, count));
  const [ours] = measured;
  printContest(
    `${count.toLocaleString('en')} leases end in one second, beside ${PUTS_PER_SECOND} puts a second`,
    names,
    [
      {
        ...{ what: 'all of them are gone after', unit: 'ms', figures: measured.map(({ leftMs }) => leftMs) },
        besides: goal(ours?.leftMs, LEAVE_MS_MAX, 'ms'),
      },
      { what: 'puts before, p99', unit: 'ms', figures: measured.map(({ quiet }) => quiet.p99) },
      {
        ...{ what: 'puts meanwhile, p99', unit: 'ms', figures: measured.map(({ puts }) => puts.p99) },
        besides: goal(ours?.puts.p99, P99_MS_MAX, 'ms'),
      },
      { what: '  the longest', unit: 'ms', figures: measured.map(({ puts }) => puts.quantile(1)) },
      { what: '  failed', unit: '', figures: measured.map(({ failures }) => failures) },
      {
        what: "the member's event loop stands still, at most",
        unit: 'ms',
        figures: measured.map(({ lagMs }) => lagMs),
      },
    ],
  );
}

async function measure(contestant: Contestant, count: number): Promise<Figures> {
  const store = await contestant.store();
  const endMs = performance.now() + 5_000 + count * GRANT_MS;
  await grant(contestant, count, endMs);
  const load = new SteadyLoad(PUTS_PER_SECOND, (n) => store.put(`other/${n % 1_000}`, VALUE));
  load.begin();
  await delay(Math.max(0, endMs - performance.now() - 1_000));
  const quiet = load.taken().times;
  await contestant.probed();
  await delay(Math.max(0, endMs - performance.now()));

  let left = count;
  await until('all leases are gone', PATIENCE_MS, async () => {
    const { count: keys } = await store.range(prefix('leased/'), { countOnly: true });
    // A list of all of them is long, and asked for only when it is likely to be short.
    if (keys === 0) left = (await store.leases()).length;
    await delay(50);
    return left === 0;
  });
  const leftMs = performance.now() - endMs;
  const { times: puts, failures } = load.taken();
  const lagMs = (await contestant.probed())?.lagMaxMs;
  await load.end();
  return { leftMs, puts, quiet, failures, lagMs };
}

/** Grants leases that all end at about the same moment, in milliseconds of `performance.now()`. */
async function grant(contestant: Contestant, count: number, endMs: number): Promise<void> {
  const store = await contestant.store();
  const clients = Array.from({ length: CONNECTIONS }, () => contestant.raw());
  for (let granted = 0; granted < count; granted += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - granted) }, async (_, at) => {
      const TTL = BigInt(Math.max(1, Math.round((endMs - performance.now()) / 1_000)));
      const { ID } = await clients[at % CONNECTIONS]!.unary(LeaseService.leaseGrant, { TTL, ID: 0n });
      const number = granted + at;
      if (number % KEY_ONE_IN === 0) await store.put(`leased/${number}`, VALUE, { lease: ID });
    });
    await Promise.all(some);
  }
  await store.range(everything(), { countOnly: true });
  if (performance.now() > endMs) throw new Error('granting took longer than the leases live');
}
