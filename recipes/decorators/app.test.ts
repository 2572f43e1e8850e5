import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { container, type DependencyContainer, injectable } from 'tsyringe';
import { z } from 'zod';
import { UnavailableError } from '../../core/base/errors.js';
import { settle } from '../../core/testing/manual-clock.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import type { Delivery } from '../barrier-queue/delivery.js';
import { items } from '../barrier-queue/release.js';
import { type ConfigChange, ConfigWatcher } from '../config/config-watcher.js';
import { Election } from '../election/election.js';
import type { Leadership } from '../election/leadership.js';
import { Mutex } from '../mutex/mutex.js';
import { currentHeld } from '../mutex/current-held.js';
import type { FaultyStore } from '../testing/faulty-store.js';
import { openWorld, track, type World } from '../testing/world.js';
import { type App, start, type StartOptions } from './app.js';
import { consumes, leaderOnly, locked, onConfig, value, whileLeader } from './member-decorators.js';
import { barrierQueue, configWatcher, election, mutex } from './recipe-decorators.js';
import { STORE } from './store-token.js';

const schema = z.object({ limits: z.object({ max: z.number(), min: z.number() }), name: z.string() });
const FIRST = { limits: { max: 10, min: 1 }, name: 'first' };

@configWatcher({ name: 'payments', schema, initial: FIRST })
class PaymentsConfig extends ConfigWatcher<typeof schema> {}

@configWatcher({ name: 'nothing published', schema })
class MissingConfig extends ConfigWatcher<typeof schema> {}

@barrierQueue({ name: 'shards', release: items(1), attempts: 2 })
class Shards extends BarrierQueue<string> {}

@election({ name: 'builders' })
class Builders extends Election<string> {}

@mutex({ name: 'orders' })
class OrdersLock extends Mutex {}

@injectable()
class Payments {
  @value(PaymentsConfig, 'limits.max')
  readonly max!: number;

  readonly seen: string[] = [];

  @onConfig(PaymentsConfig, 'limits.*')
  async limitsChanged(change: ConfigChange<typeof schema>): Promise<void> {
    this.seen.push(`limits ${change.current.limits.max}`);
    await settle();
    if (change.current.limits.max > 100) throw new Error('too much');
  }

  @onConfig(PaymentsConfig)
  changed(change: ConfigChange<typeof schema>): void {
    this.seen.push(change.current.name);
  }
}

@injectable()
class Builder {
  readonly handled: string[] = [];
  running = 0;
  most = 0;
  pass: () => void = () => {};

  @consumes(Shards, { concurrency: 2 })
  async build(delivery: Delivery<string>): Promise<void> {
    expect(currentHeld()).toBe(delivery);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    try {
      if (delivery.item === 'slow') await new Promise<void>((resolve) => (this.pass = resolve));
      else await settle();
      if (delivery.item === 'bad') throw new Error('cannot build');
      this.handled.push(delivery.item);
    } finally {
      this.running -= 1;
    }
  }
}

@injectable()
class Everything {
  @whileLeader(Builders)
  async lead({ signal }: Leadership<string>): Promise<void> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  @leaderOnly(Builders, { otherwise: 'skip' })
  async report(): Promise<void> {}

  pass: () => void = () => {};

  @locked(OrdersLock)
  async hold(): Promise<string> {
    await new Promise<void>((resolve) => (this.pass = resolve));
    return 'held';
  }
}

let world: World;
let child: DependencyContainer;
let store: FaultyStore;
let apps: App[];

beforeEach(async () => {
  world = await openWorld();
  store = world.elsewhere();
  child = container.createChildContainer();
  apps = [];
});
afterEach(async () => {
  const disposing = Promise.all(apps.map((app) => app.dispose()));
  await world.clock.advance(60_000);
  await disposing;
  await expectQuiet();
  await world.close();
});

/** Nothing runs any more, and nothing is left in the store that lives by a lease. */
async function expectQuiet(): Promise<void> {
  expect(store.watchCount).toBe(0);
  expect(await world.inner.leases()).toEqual([]);
  const callCount = store.calls.length;
  await world.clock.advance(60_000);
  expect(store.calls.length).toBe(callCount);
}

async function begin(options: StartOptions): Promise<{ app: App; errors: string[] }> {
  const app = await start(child, { store, recipes: [], ...options });
  apps.push(app);
  const errors: string[] = [];
  app.on('error', (error, where) => errors.push(`${where}: ${(error as Error).message}`));
  await settle();
  return { app, errors };
}

describe('start', () => {
  test('readies every configuration and wires every service that has been loaded, unless it is told which', async () => {
    await using other = new MissingConfig(world.inner);
    await other.publish(FIRST);

    const app = await start(child, { store });
    apps.push(app);
    await child.resolve(Shards).put('a');
    await settle();
    await settle();

    expect(child.resolve(MissingConfig).current).toEqual(FIRST);
    expect(child.resolve(Payments).max).toBe(10);
    expect(child.resolve(Builder).handled).toEqual(['a']);
    expect(await child.resolve(Builders).leader()).toBeDefined();
  });

  test('takes the store that the container has', async () => {
    child.register(STORE, { useValue: store });
    apps.push(await start(child, { services: [Payments], recipes: [] }));

    expect(child.resolve(Payments).max).toBe(10);
  });

  test('says so if there is no store', async () => {
    await expect(start(child, { services: [], recipes: [] })).rejects.toMatchObject({ code: 'DECORATOR_MISUSE' });
  });

  test('makes what is on its list of recipes, though nobody uses it', async () => {
    await begin({ services: [], recipes: [PaymentsConfig] });

    expect(child.resolve(PaymentsConfig).current).toEqual(FIRST);
  });

  test('names the member whose recipe carries no decorator', async () => {
    class Undecorated extends Mutex {}
    @injectable()
    class Wrong {
      @locked(Undecorated)
      async work(): Promise<void> {}
    }

    await expect(start(child, { store, services: [Wrong], recipes: [] })).rejects.toThrow(
      /@locked on Wrong\.work: Undecorated carries no recipe decorator/,
    );
  });

  test('leaves nothing running if a configuration is not ready', async () => {
    const starting = track(start(child, { store, services: [Everything], recipes: [MissingConfig], timeout: '3s' }));

    await world.clock.advance(3_000);

    expect(starting.error).toMatchObject({ code: 'TIMEOUT' });
    await expectQuiet();
    expect(await world.keys()).toEqual([]);
  });

  test('leaves nothing running if a service cannot be made', async () => {
    @injectable()
    class Broken {
      constructor() {
        throw new Error('broken');
      }

      @consumes(Shards)
      async work(_: Delivery<string>): Promise<void> {}
    }

    await expect(start(child, { store, services: [Payments, Broken], recipes: [] })).rejects.toThrow('broken');
    await expectQuiet();
  });

  test('starts once in a container, for its objects end with the app', async () => {
    const { app } = await begin({ services: [Payments] });
    await app.dispose();

    await expect(start(child, { store, services: [Payments], recipes: [] })).rejects.toThrow(/createChildContainer/);
  });

  test('wires the object that the container makes, and a subclass by what its own decorators say', async () => {
    const calls: string[] = [];
    @injectable()
    class Base {
      @onConfig(PaymentsConfig)
      first(): void {
        calls.push('base first');
      }

      @onConfig(PaymentsConfig)
      second(): void {
        calls.push('base second');
      }
    }
    @injectable()
    class Derived extends Base {
      @onConfig(PaymentsConfig, 'name')
      override second(): void {
        calls.push('derived second');
      }
    }
    await begin({ services: [Derived] });

    await child.resolve(PaymentsConfig).publish({ ...FIRST, limits: { max: 11, min: 1 } });
    await world.clock.advance(200);
    expect(calls).toEqual(['base first']);
    await child.resolve(PaymentsConfig).publish({ ...FIRST, limits: { max: 11, min: 1 }, name: 'second' });
    await world.clock.advance(200);

    expect(calls).toEqual(['base first', 'base first', 'derived second']);
  });
});

describe('a configuration', () => {
  test('is there at once, and always the one in force, although the class defines the field', async () => {
    await begin({ services: [Payments] });
    const payments = child.resolve(Payments);
    expect(Object.hasOwn(payments, 'max')).toBe(true);
    expect(payments.max).toBe(10);

    await child.resolve(PaymentsConfig).publish({ ...FIRST, limits: { max: 20, min: 1 } });
    await world.clock.advance(200);

    expect(payments.max).toBe(20);
  });

  test('cannot be assigned to', async () => {
    await begin({ services: [Payments] });

    expect(() => Object.assign(child.resolve(Payments), { max: 1 })).toThrow(TypeError);
  });

  test('tells its listeners of what they asked for, and of everything those who asked for nothing', async () => {
    const { errors } = await begin({ services: [Payments] });
    const config = child.resolve(PaymentsConfig);
    const { seen } = child.resolve(Payments);
    seen.length = 0;

    await config.publish({ ...FIRST, name: 'second' });
    await world.clock.advance(200);
    expect(seen).toEqual(['second']);
    await config.publish({ limits: { max: 30, min: 1 }, name: 'third' });
    await world.clock.advance(200);

    expect([...seen].sort()).toEqual(['limits 30', 'second', 'third']);
    expect(errors).toEqual([]);
  });

  test('reports a listener that fails, and goes on', async () => {
    const { errors } = await begin({ services: [Payments] });
    const config = child.resolve(PaymentsConfig);

    await config.publish({ ...FIRST, limits: { max: 101, min: 1 } });
    await world.clock.advance(200);
    expect(errors).toEqual(['@onConfig on Payments.limitsChanged: too much']);
    await config.publish({ ...FIRST, limits: { max: 50, min: 1 } });
    await world.clock.advance(200);

    expect(child.resolve(Payments).seen).toContain('limits 50');
    expect(errors).toHaveLength(1);
  });

  test('tells a listener of one change at a time, and of the last', async () => {
    let running = 0;
    const seen: number[] = [];
    const passes: (() => void)[] = [];
    @injectable()
    class Slow {
      @onConfig(PaymentsConfig, 'limits.max')
      async changed(change: ConfigChange<typeof schema>): Promise<void> {
        expect(++running).toBe(1);
        await new Promise<void>((resolve) => passes.push(resolve));
        running -= 1;
        seen.push(change.current.limits.max);
      }
    }
    await begin({ services: [Slow] });

    for (const max of [20, 30, 40]) {
      await child.resolve(PaymentsConfig).publish({ ...FIRST, limits: { max, min: 1 } });
      await world.clock.advance(200);
    }
    expect(passes).toHaveLength(1);
    while (seen.at(-1) !== 40) {
      passes.shift()?.();
      await settle();
    }

    expect(seen).toEqual([20, 40]);
  });

  test('tells nobody any more once the app has ended', async () => {
    const { app } = await begin({ services: [Payments] });
    const payments = child.resolve(Payments);
    await app.dispose();
    payments.seen.length = 0;

    await using other = new PaymentsConfig(world.inner);
    await other.publish({ ...FIRST, name: 'late' });
    await world.clock.advance(200);

    expect(payments.seen).toEqual([]);
  });
});

describe('a consumer', () => {
  test('handles as many items at once as it says, and acknowledges them', async () => {
    await begin({ services: [Builder] });
    const queue = child.resolve(Shards);

    for (const item of ['a', 'b', 'c', 'd', 'e']) await queue.put(item);
    await world.clock.advance(2_000);

    const builder = child.resolve(Builder);
    expect([...builder.handled].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(builder.most).toBe(2);
    expect(await queue.status()).toMatchObject({ ready: 0, next: 0 });
  });

  test('reports what its handler throws, and gives the item back', async () => {
    const { errors } = await begin({ services: [Builder] });
    const queue = child.resolve(Shards);

    await queue.put('bad');
    await world.clock.advance(100);
    expect(errors).toEqual(['@consumes on Builder.build: cannot build']);
    expect(await queue.status()).toMatchObject({ ready: 1, resting: 1 });
    await world.clock.advance(3_000);

    expect(errors).toHaveLength(2);
    expect(await queue.deadLetters()).toMatchObject([{ item: 'bad', attempts: 2, reason: 'cannot build' }]);
  });

  test('finishes what it handles when the app ends, and takes nothing more', async () => {
    const { app } = await begin({ services: [Builder] });
    const queue = child.resolve(Shards);
    await queue.put('slow');
    await queue.put('later');
    await settle();

    const ending = track(app.dispose());
    await settle();
    expect(ending.done).toBe(false);
    child.resolve(Builder).pass();
    await settle();

    expect(ending.done).toBe(true);
    expect(child.resolve(Builder).handled).toEqual(['slow']);
    expect(await world.keys('conclave/bq/shards/q/claim/')).toEqual([]);
    expect(await world.keys('conclave/bq/shards/q/item/')).toHaveLength(1);
  });

  test('gives back what it still handles when the time to drain is over', async () => {
    const { app } = await begin({ services: [Builder], drain: '2s' });
    await child.resolve(Shards).put('slow');
    await settle();

    const ending = track(app.dispose());
    await world.clock.advance(1_999);
    expect(ending.done).toBe(false);
    await world.clock.advance(1);

    expect(ending.done).toBe(true);
    expect(await world.keys('conclave/bq/shards/q/claim/')).toEqual([]);
    expect(await world.keys('conclave/bq/shards/q/item/')).toHaveLength(1);
    child.resolve(Builder).pass();
    await settle();
  });
});

describe('an app that ends', () => {
  test('lets calls under way finish, then gives everything back at once', async () => {
    const { app } = await begin({ services: [Everything, Payments, Builder] });
    const service = child.resolve(Everything);
    const call = track(service.hold());
    await settle();
    expect((await world.inner.leases()).length).toBeGreaterThan(1);

    const ending = track(app.dispose());
    await settle();
    expect(await world.keys('conclave/election/')).toEqual([]);
    expect(await world.keys('conclave/mutex/')).toHaveLength(1);
    expect(ending.done).toBe(false);
    service.pass();
    await settle();

    expect(call.value).toBe('held');
    expect(ending.done).toBe(true);
    expect(await world.inner.leases()).toEqual([]);
    expect(store.watchCount).toBe(0);
  });

  test('waits no longer than `drain`, and then gives back what is still held', async () => {
    const { app } = await begin({ services: [Everything], drain: '3s' });
    const service = child.resolve(Everything);
    const call = track(service.hold());
    await settle();

    const ending = track(app.dispose());
    await world.clock.advance(2_999);
    expect(ending.done).toBe(false);
    await world.clock.advance(1);

    expect(ending.done).toBe(true);
    expect(await world.keys('conclave/mutex/')).toEqual([]);
    service.pass();
    await settle();
    expect(call.error).toMatchObject({ code: 'NOT_HELD' });
  });

  test('tells of no more changes while it waits', async () => {
    const { app } = await begin({ services: [Everything, Payments] });
    void child.resolve(Everything).hold();
    await settle();
    const payments = child.resolve(Payments);
    const ending = track(app.dispose());

    await using other = new PaymentsConfig(world.inner);
    await other.publish({ ...FIRST, limits: { max: 40, min: 1 } });
    await world.clock.advance(500);

    expect(ending.done).toBe(false);
    expect(payments.max).toBe(40);
    expect(payments.seen).toEqual([]);
    child.resolve(Everything).pass();
  });

  test('ends once, however often it is disposed of', async () => {
    const { app } = await begin({ services: [Everything] });

    const first = app.dispose();

    expect(app.dispose()).toBe(first);
    await first;
    await app[Symbol.asyncDispose]();
  });

  test('ends although the store does not answer', async () => {
    const { app } = await begin({ services: [Everything, Payments, Builder], drain: '1s' });
    store.onCall = () => ({ kind: 'fail', error: new UnavailableError('gone') });

    const ending = track(app.dispose());
    await world.clock.advance(60_000);

    expect(ending.done).toBe(true);
    expect(ending.error).toBeUndefined();
    store.onCall = () => undefined;
  });
});
