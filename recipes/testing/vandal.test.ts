/** Recipes go on while somebody else writes below their prefixes, and say so in the log. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Logger } from '../../core/base/logger.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import { ManualClock } from '../../core/testing/manual-clock.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import { items } from '../barrier-queue/release.js';
import { ConfigWatcher } from '../config/config-watcher.js';
import { Election } from '../election/election.js';
import { Mutex } from '../mutex/mutex.js';
import { ServiceRegistry } from '../registry/service-registry.js';
import { Vandal } from './vandal.js';

const FOREIGN_FIRST = 250;
const SEEDS = [1, 2, 3];
const schema = z.object({ max: z.number() });

let clock: ManualClock;
let store: Store;
let warnings: string[];
let toDispose: AsyncDisposable[];

beforeEach(async () => {
  clock = new ManualClock();
  warnings = [];
  toDispose = [];
  const logger: Logger = { debug() {}, info() {}, error() {}, warn: (_fields, text) => void warnings.push(text) };
  store = await open({ memory: true }, { clock, logger });
});
afterEach(async () => {
  await soon(Promise.all(toDispose.map((recipe) => recipe[Symbol.asyncDispose]())));
  await store.close();
});

function using<T extends AsyncDisposable>(recipe: T): T {
  toDispose.push(recipe);
  return recipe;
}

/** What a promise comes to, at most two minutes from now. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => (isSettled = true));
  settled.catch(() => undefined);
  for (let turn = 0; turn < 240 && !isSettled; turn += 1) await clock.advance(500);
  if (!isSettled) throw new Error('it has not ended within two minutes');
  return settled;
}

function expectTold(): void {
  expect(warnings).toContain('a key or value that is foreign or damaged is passed over');
  expect(warnings.length).toBeLessThan(200);
}

describe.each(SEEDS)('with foreign keys of seed %i below its prefix', (seed) => {
  test('a mutex is taken, waited for and released in turn', async () => {
    const vandal = new Vandal(store, ['conclave/mutex/orders/q/'], seed);
    await vandal.strike(FOREIGN_FIRST);
    const [one, other] = [using(new Mutex(store, { name: 'orders' })), using(new Mutex(store, { name: 'orders' }))];

    const first = await soon(one.tryAcquire());
    expect(first).toBeDefined();
    await vandal.strike(5);
    expect(await soon(other.tryAcquire())).toBeUndefined();
    const waiting = other.acquire();
    await clock.advance(100);
    await vandal.strike(5);
    await soon((first as NonNullable<typeof first>).release());
    const second = await soon(waiting);

    expect(second.fencingToken).toBeGreaterThan((first as NonNullable<typeof first>).fencingToken);
    const view = await one.inspect();
    expect(view.holder?.fencingToken).toBe(second.fencingToken);
    expect(view.waiters).toEqual([]);
    expect(view.foreignKeys.length).toBe(vandal.writtenCount);
    expectTold();
  });

  test('an election is won in turn, and observed', async () => {
    const vandal = new Vandal(store, ['conclave/election/boss/c/'], seed);
    await vandal.strike(FOREIGN_FIRST);
    const [one, other] = ['one', 'other'].map((value) => using(new Election(store, { name: 'boss', value })));
    const seen: unknown[] = [];
    const stop = new AbortController();
    const observing = (async () => {
      for await (const leader of (other as Election).observe({ signal: stop.signal })) seen.push(leader?.value);
    })().catch(() => undefined);

    const first = await soon((one as Election).campaign());
    const campaign = (other as Election).campaign();
    await clock.advance(100);
    await vandal.strike(10);
    await soon(first.release());
    await soon(campaign);
    await vandal.strike(10);
    await clock.advance(1_000);

    expect((await (one as Election).candidates()).map(({ value }) => value)).toEqual(['other']);
    expect(seen.at(-1)).toBe('other');
    expect(seen).toContain('one');
    stop.abort();
    await soon(observing);
    expectTold();
  });

  test('a barrier queue hands out every item, round after round', async () => {
    const start = 'conclave/bq/shards/';
    const vandal = new Vandal(
      store,
      [start, `${start}q/`, `${start}q/item/0000000001/`, `${start}dead/`, `${start}seen/`],
      seed,
    );
    await vandal.strike(FOREIGN_FIRST);
    const options = { name: 'shards', release: items(3), attempts: 2, ttl: '5s' } as const;
    const producer = using(new BarrierQueue<string>(store, options));
    const consumer = using(new BarrierQueue<string>(store, options));
    const handled: unknown[] = [];
    const stop = new AbortController();
    const running = consumer.run(
      async ({ item, attempt }) => {
        if (item === 'round 2, item 1') throw new Error('nobody can handle it');
        if (attempt === 1 && item === 'round 1, item 0') throw new Error('not now');
        handled.push(item);
      },
      { signal: stop.signal, concurrency: 2 },
    );

    for (const round of [1, 2, 3]) {
      for (const number of [0, 1, 2]) {
        const item = `round ${round}, item ${number}`;
        await soon(producer.put(item, { id: item, dedupeFor: '1m' }));
        await vandal.strike(10);
        await clock.advance(2_000);
      }
    }
    // A copy of an item under another name is one more item, and rounds are full sooner.
    await soon(producer.open());
    await clock.advance(30_000);

    const expected = [1, 2, 3].flatMap((round) => [0, 1, 2].map((number) => `round ${round}, item ${number}`));
    const ours = handled.filter((item) => expected.includes(item as string));
    expect([...new Set(ours)].sort()).toEqual(expected.filter((item) => item !== 'round 2, item 1'));
    const letters = await soon(producer.deadLetters({ limit: 1_000 }));
    expect(letters).toContainEqual(expect.objectContaining({ item: 'round 2, item 1', attempts: 2 }));
    const letter = letters.find(({ item }) => item === 'round 2, item 1') as (typeof letters)[number];
    expect(await soon(producer.discard(letter))).toBe(true);
    expect((await soon(producer.status())).round).toBeGreaterThan(1);
    stop.abort();
    await soon(running);
    expectTold();
  });

  test('a registry registers, shows and picks what is registered', async () => {
    const vandal = new Vandal(store, ['conclave/svc/orders/', 'conclave/svc-admin/orders/'], seed);
    await vandal.strike(FOREIGN_FIRST);
    const registry = using(new ServiceRegistry(store, { ttl: '10s' }));
    const view = registry.service('orders');

    const registration = await soon(registry.register({ service: 'orders', id: 'a', address: 'a.example' }));
    await soon(view.ready({ instances: 1 }));
    await vandal.strike(20);
    await soon(registration.update({ load: 3 }));
    await soon(registry.override('orders', 'a', { weight: 7 }));
    await clock.advance(100);

    expect(view.get('a')).toMatchObject({ address: 'a.example', load: 3, weight: 7 });
    expect(view.all().every(({ weight, load }) => Number.isFinite(weight) && Number.isFinite(load))).toBe(true);
    expect(view.pick({ where: ({ id }) => id === 'a' }).instance.id).toBe('a');
    expect(registration.state).toBe('registered');
    expectTold();
  });

  test('a configuration is published, followed, rolled back and listed', async () => {
    const start = 'conclave/cfg/payments/';
    const vandal = new Vandal(store, [start, `${start}rel/`, `${start}seen/`], seed);
    await vandal.strike(FOREIGN_FIRST);
    const config = using(new ConfigWatcher(store, { name: 'payments', schema, initial: { max: 1 }, report: true }));

    await soon(config.ready());
    for (const max of [2, 3]) {
      await vandal.strike(10);
      await soon(config.publish({ max }));
      expect(config.current).toEqual({ max });
    }
    const [newest, before] = await soon(config.history({ limit: 2 }));
    await vandal.strike(10);
    await soon(config.rollback((before as NonNullable<typeof before>).release));

    expect(newest).toMatchObject({ document: { max: 3 } });
    expect(config.current).toEqual({ max: 2 });
    const late = using(new ConfigWatcher(store, { name: 'payments', schema }));
    await soon(late.ready());
    expect(late.current).toEqual({ max: 2 });
    const own = (await soon(config.instances())).filter(({ release }) => release === config.release);
    expect(own.length).toBeGreaterThan(0);
    expectTold();
  });
});
