import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { container, type DependencyContainer, injectable } from 'tsyringe';
import { settle } from '../../core/testing/manual-clock.js';
import { currentHeld } from '../mutex/current-held.js';
import { Election } from '../election/election.js';
import type { Leadership } from '../election/leadership.js';
import { Mutex } from '../mutex/mutex.js';
import { FaultyStore } from '../testing/faulty-store.js';
import { BlockableClock, openWorld, track, type World } from '../testing/world.js';
import { type App, start } from './app.js';
import { leaderOnly, locked, whileLeader } from './member-decorators.js';
import { election, mutex } from './recipe-decorators.js';
import { bypass } from './runtime.js';

@mutex({ name: 'orders' })
class OrdersLock extends Mutex {}

@election({ name: 'builders' })
class Builders extends Election<string> {}

const NOTED = Symbol('noted');

class UserError extends Error {}

@injectable()
class Billing {
  running = 0;
  most = 0;
  tokens: number[] = [];
  release: () => void = () => {};

  @locked(OrdersLock)
  async whole(): Promise<void> {
    await this.#work();
  }

  @locked(OrdersLock, (tenant: string) => tenant)
  @Reflect.metadata(NOTED, 'below')
  async settle(tenant: string, _amount: number): Promise<string> {
    await this.#work();
    return `settled ${tenant}`;
  }

  @locked(OrdersLock, (tenant: string, order: string) => [tenant, order])
  async keys(_tenant: string, _order: string): Promise<string[]> {
    return world.keys('conclave/mutex/');
  }

  @locked(OrdersLock, undefined, { timeout: '5s' })
  async patient(): Promise<void> {}

  @locked(OrdersLock, undefined, { onBusy: 'skip' })
  async skipping(error?: Error): Promise<string> {
    if (error) throw error;
    return 'done';
  }

  @locked(OrdersLock, undefined, { onBusy: 'throw' })
  async throwing(): Promise<void> {}

  @locked(OrdersLock)
  async failing(error: Error): Promise<void> {
    throw error;
  }

  @locked(OrdersLock)
  async holding(): Promise<void> {
    await new Promise<void>((resolve) => (this.release = resolve));
  }

  async #work(): Promise<void> {
    this.tokens.push(currentHeld().fencingToken);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await settle();
    this.running -= 1;
  }
}

let world: World;
let child: DependencyContainer;
let apps: App[];

beforeEach(async () => {
  world = await openWorld();
  child = container.createChildContainer();
  apps = [];
});
afterEach(async () => {
  const disposing = Promise.all(apps.map((app) => app.dispose()));
  await world.clock.advance(60_000);
  await disposing;
  expect(await world.keys()).toEqual([]);
  await world.close();
});

async function started(service: new () => object, within = child): Promise<App> {
  const app = await start(within, { store: world.elsewhere(), services: [service], recipes: [] });
  apps.push(app);
  return app;
}

async function billing(): Promise<Billing> {
  await started(Billing);
  return child.resolve(Billing);
}

describe('a method with @locked', () => {
  test('runs once at a time, each time under a grant of its own', async () => {
    const service = await billing();

    await Promise.all([service.whole(), service.whole(), service.whole()]);

    expect(service.most).toBe(1);
    expect(service.tokens).toEqual([...new Set(service.tokens)].sort((a, b) => a - b));
  });

  test('runs once at a time for each name that its arguments give', async () => {
    const service = await billing();

    const answers = await Promise.all([service.settle('a', 1), service.settle('a', 2), service.settle('b', 3)]);

    expect(answers).toEqual(['settled a', 'settled a', 'settled b']);
    expect(service.most).toBe(2);
  });

  test('locks a name of several parts as Mutex.of does', async () => {
    const service = await billing();

    expect((await service.keys('tenant', 'order'))[0]).toContain('mutex/orders%2Ftenant%2Forder/');
  });

  test('waits no longer than its timeout, and leaves nothing in line', async () => {
    const service = await billing();
    const held = await child.resolve(OrdersLock).acquire();
    const call = track(service.patient());

    await world.clock.advance(4_999);
    expect(call.done).toBe(false);
    await world.clock.advance(1);

    expect(call.error).toMatchObject({ code: 'TIMEOUT' });
    await settle();
    expect(await world.keys('conclave/mutex/orders/')).toHaveLength(1);
    await held.release();
    await service.patient();
  });

  test('is skipped while somebody else has the lock, if it says so', async () => {
    const service = await billing();
    const held = await child.resolve(OrdersLock).acquire();

    expect(await service.skipping()).toBeUndefined();
    await held.release();
    expect(await service.skipping()).toBe('done');
  });

  test('throws at once while somebody else has the lock, if it says so', async () => {
    const service = await billing();
    const held = await child.resolve(OrdersLock).acquire();

    await expect(service.throwing()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await held.release();
    await service.throwing();
  });

  test('throws what its user throws, the very same, and releases', async () => {
    const service = await billing();
    const error = new UserError('mine');

    await expect(service.failing(error)).rejects.toBe(error);
    await service.whole();
  });

  test("does not take a user's timeout for a busy lock", async () => {
    const service = await billing();
    const error = Object.assign(new Error('of the user'), { code: 'TIMEOUT' });

    await expect(service.skipping(error)).rejects.toBe(error);
  });

  test('rejects with HoldLostError if the lock was lost while it ran', async () => {
    const service = await billing();
    const call = track(service.holding());
    await settle();
    await world.inner.delete((await world.keys('conclave/mutex/orders/'))[0] as string);
    await world.clock.advance(1_000);
    service.release();
    await settle();

    expect(call.error).toMatchObject({ code: 'HOLD_LOST' });
  });

  test('keeps name, length and metadata', () => {
    const method = Billing.prototype.settle;

    expect([method.name, method.length]).toEqual(['settle', 2]);
    expect(Reflect.getMetadata(NOTED, method)).toBeUndefined();
    expect(Reflect.getMetadata(NOTED, Billing.prototype, 'settle')).toBe('below');
  });

  test('is checked against what the function for its name takes', () => {
    class Checked {
      // @ts-expect-error -- the name is made from a number, and the method takes a text
      @locked(OrdersLock, (order: number) => `${order}`)
      async wrong(_order: string): Promise<void> {}

      // @ts-expect-error -- the name is made from an argument that the method does not take
      @locked(OrdersLock, (order: string) => order)
      async missing(): Promise<void> {}

      @locked(OrdersLock, (order: string) => order)
      async fewer(_order: string, _amount: number): Promise<void> {}
    }

    expect(new Checked()).toBeInstanceOf(Checked);
  });

  test('keeps what was noted on the method itself', () => {
    const original = async (_: string) => {};
    Reflect.defineMetadata(NOTED, 'on the method', original);
    class Noted {}
    const descriptor: TypedPropertyDescriptor<typeof original> = { value: original, configurable: true };
    locked(OrdersLock)(Noted.prototype, 'method', descriptor);

    expect(descriptor.value).not.toBe(original);
    expect(Reflect.getMetadata(NOTED, descriptor.value as object)).toBe('on the method');
  });

  test('rejects by name on an object that no app made, before start and after dispose', async () => {
    await expect(new Billing().whole()).rejects.toMatchObject({
      code: 'NOT_STARTED',
      where: '@locked on Billing.whole',
    });

    const service = await billing();
    await apps[0]?.dispose();

    await expect(service.whole()).rejects.toMatchObject({ code: 'NOT_STARTED' });
  });

  test('is called plainly on a bypassed object', async () => {
    const service = bypass(new Billing());

    expect(await service.skipping()).toBe('done');
    await expect(service.whole()).rejects.toMatchObject({ code: 'NOT_HELD' });
    expect(world.store.calls).toEqual([]);
  });
});

@injectable()
class Reports {
  @leaderOnly(Builders)
  async strict(): Promise<number> {
    return currentHeld().fencingToken;
  }

  @leaderOnly(Builders, { otherwise: 'skip' })
  async lenient(): Promise<string> {
    return 'reported';
  }

  release: () => void = () => {};

  @leaderOnly(Builders)
  async slow(): Promise<void> {
    await new Promise<void>((resolve) => (this.release = resolve));
    currentHeld().assertHeld();
  }
}

describe('a method with @leaderOnly', () => {
  test('runs under the leadership of the process that leads, and nowhere else', async () => {
    const sibling = container.createChildContainer();
    await started(Reports);
    await settle();
    await started(Reports, sibling);
    await settle();
    const leader = await child.resolve(Builders).leader();

    expect(await child.resolve(Reports).strict()).toBe(leader?.term);
    expect(await child.resolve(Reports).lenient()).toBe('reported');
    await expect(sibling.resolve(Reports).strict()).rejects.toMatchObject({
      code: 'NOT_LEADER',
      where: '@leaderOnly on Reports.strict',
    });
    expect(await sibling.resolve(Reports).lenient()).toBeUndefined();

    await apps[0]?.dispose();
    await settle();
    expect(await sibling.resolve(Reports).lenient()).toBe('reported');
  });

  test('keeps its leadership until it has returned, when the app ends', async () => {
    const app = await started(Reports);
    await settle();
    const service = child.resolve(Reports);
    const call = track(service.slow());
    await settle();

    const ending = track(app.dispose());
    await settle();
    expect(ending.done).toBe(false);
    expect(await world.keys('conclave/election/')).toHaveLength(1);
    service.release();
    await settle();

    expect(call).toMatchObject({ done: true });
    expect(call.error).toBeUndefined();
    expect(ending.done).toBe(true);
    expect(await world.keys()).toEqual([]);
  });

  test('does not run once its lease may have expired, also if the process was blocked and nobody told it', async () => {
    const clock = new BlockableClock(world.clock);
    const app = await start(child, {
      store: new FaultyStore(world.inner, { clock }),
      services: [Reports],
      recipes: [],
    });
    apps.push(app);
    await settle();
    const service = child.resolve(Reports);
    expect(await service.lenient()).toBe('reported');

    clock.block(60_000);

    await expect(service.strict()).rejects.toMatchObject({ code: 'NOT_LEADER' });
  });
});

let terms: number[] = [];

@injectable()
class Worker {
  readonly signals: AbortSignal[] = [];
  stop: (error?: Error) => void = () => {};

  @whileLeader(Builders)
  async lead(leadership: Leadership<string>): Promise<void> {
    terms.push(leadership.term);
    this.signals.push(leadership.signal);
    expect(currentHeld()).toBe(leadership);
    await new Promise<void>((resolve, reject) => {
      this.stop = (error) => (error ? reject(error) : resolve());
      leadership.signal.addEventListener('abort', () => reject(leadership.signal.reason as Error));
    });
  }
}

describe('a method with @whileLeader', () => {
  beforeEach(() => {
    terms = [];
  });

  async function worker(): Promise<{ service: Worker; errors: [unknown, string][]; app: App }> {
    const app = await started(Worker);
    const errors: [unknown, string][] = [];
    app.on('error', (error, where) => errors.push([error, where]));
    await settle();
    return { service: child.resolve(Worker), errors, app };
  }

  test('is called when elected, told when the leadership is lost, and called again when elected again', async () => {
    const { service, errors } = await worker();
    expect(terms).toHaveLength(1);

    for (const id of await world.inner.leases()) await world.inner.lease(id).revoke();
    await world.clock.advance(6_000);
    expect(service.signals[0]?.aborted).toBe(true);
    expect(service.signals[0]?.reason).toMatchObject({ code: 'HOLD_LOST' });
    await world.clock.advance(2_000);

    expect(terms).toHaveLength(2);
    expect(terms[1]).toBeGreaterThan(terms[0] as number);
    expect(errors).toEqual([]);
  });

  test('resigns when it returns, and is called again a second later', async () => {
    const { service, errors } = await worker();

    service.stop();
    await settle();
    expect(await world.keys('conclave/election/')).toEqual([]);
    await world.clock.advance(999);
    expect(terms).toHaveLength(1);
    await world.clock.advance(1);

    expect(terms).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  test('is reported when it throws, and called again after rests that grow', async () => {
    const { service, errors } = await worker();
    const error = new UserError('mine');

    service.stop(error);
    await settle();
    expect(errors).toEqual([[error, '@whileLeader on Worker.lead']]);
    expect(await world.keys('conclave/election/')).toEqual([]);
    await world.clock.advance(1_000);
    expect(terms).toHaveLength(2);
    service.stop(error);
    await world.clock.advance(1_999);
    expect(terms).toHaveLength(2);
    await world.clock.advance(1);

    expect(terms).toHaveLength(3);
    expect(errors).toHaveLength(2);
  });

  test('is told when the app ends, which waits for it and resigns', async () => {
    const { service, app, errors } = await worker();

    await app.dispose();

    expect(service.signals[0]?.aborted).toBe(true);
    expect(await world.keys()).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('leads on after it returned, if there are methods for the leader only', async () => {
    @injectable()
    class Both extends Worker {
      @leaderOnly(Builders)
      async report(): Promise<string> {
        return 'reported';
      }
    }
    await started(Both);
    await settle();
    const service = child.resolve(Both);

    service.stop();
    await world.clock.advance(5_000);

    expect(terms).toHaveLength(1);
    expect(await service.report()).toBe('reported');
  });

  test('takes the others down with it when it throws', async () => {
    const seen: string[] = [];
    @injectable()
    class Pair extends Worker {
      @whileLeader(Builders)
      async other({ signal }: Leadership<string>): Promise<void> {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        seen.push('ended');
      }
    }
    await started(Pair);
    await settle();

    child.resolve(Pair).stop(new UserError('mine'));
    await world.clock.advance(1_000);

    expect(seen).toEqual(['ended']);
    expect(terms).toHaveLength(2);
  });
});
