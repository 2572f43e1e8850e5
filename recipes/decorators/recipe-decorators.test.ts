import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { container, inject, injectable, type DependencyContainer } from 'tsyringe';
import { z } from 'zod';
import type { Store } from '../../core/store.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import { items } from '../barrier-queue/release.js';
import { ConfigWatcher } from '../config/config-watcher.js';
import { Election } from '../election/election.js';
import { Mutex } from '../mutex/mutex.js';
import { ServiceRegistry } from '../registry/service-registry.js';
import { openWorld, type World } from '../testing/world.js';
import { locked, value } from './member-decorators.js';
import { barrierQueue, configWatcher, election, mutex, serviceRegistry } from './recipe-decorators.js';
import { STORE } from './store-token.js';

@mutex({ name: 'orders', ttl: '15s' })
class OrdersLock extends Mutex {}

@election({ name: 'builders' })
class Builders extends Election<string> {}

@barrierQueue({ name: 'shards', release: items(1) })
class Shards extends BarrierQueue<string> {}

@serviceRegistry()
class Services extends ServiceRegistry {}

const schema = z.object({ max: z.number() });

@configWatcher({ name: 'limits', schema })
class Limits extends ConfigWatcher<typeof schema> {}

@injectable()
class Audit {
  readonly lines: string[] = [];
}

@mutex({ name: 'audited' })
class AuditedLock extends Mutex {
  constructor(
    store: Store,
    readonly audit: Audit,
  ) {
    super(store);
  }
}

@mutex({ name: 'reversed' })
class ReversedLock extends Mutex {
  constructor(
    readonly audit: Audit,
    @inject(STORE) store: Store,
  ) {
    super(store);
  }
}

@mutex({ name: 'narrower' })
class NarrowerLock extends AuditedLock {}

let world: World;
let child: DependencyContainer;

beforeEach(async () => {
  world = await openWorld();
  child = container.createChildContainer();
  child.register(STORE, { useValue: world.store });
});
afterEach(() => world.close());

describe('a decorated recipe', () => {
  test.each([OrdersLock, Builders, Shards, Services, Limits])('%p is made by the container', (recipeClass) => {
    const made = child.resolve<object>(recipeClass);

    expect(made).toBeInstanceOf(recipeClass);
    expect(child.resolve<object>(recipeClass as new () => object)).toBe(made);
  });

  test('locks what its decorator names', async () => {
    await using held = await child.resolve(OrdersLock).acquire();

    expect(held.fencingToken).toBeGreaterThan(0);
    expect(await world.keys('conclave/mutex/orders/')).toHaveLength(1);
    await held.release();
    await child.resolve(OrdersLock).dispose();
  });

  test('is one object in each container', () => {
    const sibling = container.createChildContainer();
    sibling.register(STORE, { useValue: world.elsewhere() });

    expect(sibling.resolve(OrdersLock)).toBe(sibling.resolve(OrdersLock));
    expect(sibling.resolve(OrdersLock)).not.toBe(child.resolve(OrdersLock));
  });

  test('is made without a container, too, with other options over those of the decorator', () => {
    expect(new OrdersLock(world.store).name).toBe('orders');
    expect(new OrdersLock(world.store, { name: 'other' }).name).toBe('other');
  });

  test('may have a constructor of its own, and further parameters', () => {
    const lock = child.resolve(AuditedLock);

    expect(lock.name).toBe('audited');
    expect(lock.audit).toBeInstanceOf(Audit);
  });

  test('may say itself where the store goes', () => {
    const lock = child.resolve(ReversedLock);

    expect(lock.name).toBe('reversed');
    expect(lock.audit).toBeInstanceOf(Audit);
  });

  test('may extend another one, with options of its own', () => {
    const lock = child.resolve(NarrowerLock);

    expect(lock.name).toBe('narrower');
    expect(lock.audit).toBeInstanceOf(Audit);
  });

  test('can be injected into services by its type', () => {
    @injectable()
    class Billing {
      constructor(readonly orders: OrdersLock) {}
    }

    expect(child.resolve(Billing).orders).toBe(child.resolve(OrdersLock));
  });
});

describe('without emitted type metadata', () => {
  test('a decorated recipe is made by the container', () => {
    class Plain extends Mutex {}
    mutex({ name: 'plain' })(Plain);

    expect(child.resolve(Plain).name).toBe('plain');
  });

  test('a decorated recipe with further parameters is made, if they are injected by token', () => {
    class Own extends Mutex {
      readonly audit: Audit;
      constructor(store: Store, audit: Audit) {
        super(store);
        this.audit = audit;
      }
    }
    inject(Audit)(Own, undefined, 1);
    mutex({ name: 'own' })(Own);
    class Narrower extends Own {}
    mutex({ name: 'narrower still' })(Narrower);

    expect(child.resolve(Own).audit).toBeInstanceOf(Audit);
    expect(child.resolve(Narrower).audit).toBeInstanceOf(Audit);
    expect(child.resolve(Narrower).name).toBe('narrower still');
  });
});

describe('a misused decorator', () => {
  const misuses: [name: string, misuse: () => unknown, message: RegExp][] = [
    [
      'of a class with another base',
      () => mutex({ name: 'wrong' })(class Wrong extends Election<string> {} as unknown as typeof Mutex),
      /@mutex.*Wrong.*extends Mutex/,
    ],
    ['of a recipe itself', () => mutex({ name: 'base' })(Mutex), /@mutex.*Mutex/],
    ['of a class that has one', () => election<string>({ name: 'twice' })(Builders), /@election.*Builders.*only/],
    [
      'of a method, for a class that is not there yet',
      () => apply(locked(undefined as unknown as typeof OrdersLock), Audit, 'read'),
      /@locked on Audit.read: undefined \(do two modules import each other\?\).*Mutex/,
    ],
    [
      'of a method, for a recipe of another kind',
      () => apply(locked(Builders as unknown as typeof OrdersLock), Audit, 'read'),
      /@locked on Audit.read: Builders.*extends Mutex/,
    ],
    [
      'of a property, for something that is no class',
      () => value('limits' as unknown as typeof Limits, 'max')(Audit.prototype, 'max'),
      /@value on Audit.max: a value of type string.*ConfigWatcher/,
    ],
    [
      'of a static method',
      () => apply(locked(OrdersLock), Audit, 'read', Audit),
      /@locked on Audit.read: it must be on a method of an object/,
    ],
    [
      'of something that is no method',
      () => (locked(OrdersLock) as unknown as PropertyDecorator)(Audit.prototype, 'lines'),
      /@locked on Audit.lines: it must be on a method of an object/,
    ],
  ];

  test.each(misuses)('%s says so, by name', (_, misuse, message) => {
    expect(misuse).toThrow(message);
  });

  test('leaves a class without a name to its constructor to complain of', () => {
    class Nameless extends Mutex {}
    mutex({} as { name: string })(Nameless);

    expect(() => child.resolve(Nameless)).toThrow(/Nameless\.name/);
  });
});

/** Puts a decorator on a method by hand. */
function apply(decorator: ReturnType<typeof locked>, on: abstract new () => object, name: string, target?: object) {
  decorator(target ?? (on.prototype as object), name, { value: () => Promise.resolve(), configurable: true });
}
