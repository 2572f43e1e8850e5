import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ClosedError, TimeoutError } from '../../core/base/errors.js';
import { toBytes, toText } from '../../core/base/bytes.js';
import type { Store, Target } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import { WaywardStore } from '../mirror/testing/wayward-store.js';
import { NoInstanceError } from './errors.js';
import type { Instance } from './instance.js';
import { type ServiceRegistry } from './service-registry.js';
import type { ServiceView, ViewChange } from './service-view.js';
import { leastLoaded, random, sticky } from './strategies.js';
import { type Meta, RegistryWorld } from './testing/registry-world.js';

let world: RegistryWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;
let servers: ServiceRegistry<Meta>;

beforeEach(async () => {
  world = await RegistryWorld.open();
  ({ clock, real, wayward } = world);
  servers = world.registry(real);
});

afterEach(() => world.close());

const register = (ids: string, parts: Partial<Instance<Meta>> = {}) =>
  Promise.all([...ids].map((id) => servers.register({ service: 'orders', id, address: `host-${id}`, ...parts })));

const idsOf = (view: ServiceView<Meta>) =>
  view
    .all()
    .map(({ id }) => id)
    .join('');

const nameOf = (target: Target) => toText(typeof target === 'string' ? toBytes(target) : toKey(target));
const toKey = (target: Exclude<Target, string>) => (target instanceof Uint8Array ? target : target.key);

/** The ids of so many picks, each of which ends well. */
function pickMany(view: ServiceView<Meta>, count: number): string {
  return Array.from({ length: count }, () => {
    const picked = view.pick();
    picked.ok();
    return picked.instance.id;
  }).join('');
}

describe('ServiceView', () => {
  test('shows what is registered, in order of ids, and follows it', async () => {
    const [, b] = await register('ba', { port: 80, zone: 'north', version: '2', metadata: { build: 1 } });
    const view = await world.view();

    expect(idsOf(view)).toBe('ab');
    expect(view.get('a')).toMatchObject({
      service: 'orders',
      address: 'host-a',
      port: 80,
      zone: 'north',
      version: '2',
    });
    expect(view.get('a')).toMatchObject({ metadata: { build: 1 }, weight: 1, load: 0, drained: false });

    await register('c');
    await b?.update({ metadata: { build: 2 } });
    await servers.service('orders').close();
    await settle();

    expect(idsOf(view)).toBe('abc');
    expect(view.all().map(({ metadata }) => metadata)).toEqual([{ build: 2 }, { build: 1 }, {}]);
  });

  test('is the same for the same name, and knows nothing of other services', async () => {
    await register('a');
    await servers.register({ service: 'orders/eu', id: 'x', address: 'h' });
    const registry = world.registry();

    await registry.service('orders').ready();

    expect(registry.service('orders')).toBe(registry.service('orders'));
    expect(idsOf(registry.service('orders'))).toBe('a');
  });

  test('that was closed is followed by a new one', async () => {
    await register('a');
    const registry = world.registry();
    const closed = registry.service('orders');
    await closed.ready();

    await closed.close();
    await registry.service('orders').ready();

    expect(registry.service('orders')).not.toBe(closed);
    expect(idsOf(registry.service('orders'))).toBe('a');
    expect(idsOf(closed)).toBe('a');
  });

  test('leaves out keys that are no instances', async () => {
    await real.put('conclave/svc/orders/foreign', 'not ours');
    await real.put('conclave/svc/orders/foreign2', '{"address":7}');
    await register('a');

    expect(idsOf(await world.view())).toBe('a');
  });

  test('keeps what it knew while the store is away, and says that it is stale', async () => {
    await register('a');
    const view = await world.view();
    expect(view.stale).toBe(false);

    wayward.goAway();
    await clock.advance(10 * 60_000);

    expect(view.stale).toBe(true);
    expect(view.confirmedAgoMs).toBe(10 * 60_000);
    expect(view.pick().instance.id).toBe('a');
    wayward.comeBack();
    await clock.advance(5_000);
    expect(view.stale).toBe(false);
  });

  test('tells no revision of which it has not seen everything', async () => {
    await register('a');
    const watch = wayward.watch.bind(wayward);
    // Only what is decided about instances is heard.
    wayward.watch = (target, options) => watch(nameOf(target).includes('svc-admin') ? target : 'nothing', options);
    const view = await world.view();
    await register('b');
    const { revision } = await real.range('x');
    await servers.drain('orders', 'a');
    await clock.advance(0);

    expect(view.get('a')?.drained).toBe(true);
    expect(idsOf(view)).toBe('a');
    expect(view.revision).toBeLessThan(revision);
  });

  test('after a compaction while it was away it has what the store has', async () => {
    const [a] = await register('ab');
    const view = await world.view();

    wayward.goAway();
    await a?.unregister();
    await register('c');
    await real.compact((await real.range('x')).revision);
    wayward.comeBack();
    await clock.advance(5_000);

    expect(idsOf(view)).toBe('bc');
  });

  test('an instance whose process died is gone once its lease has ended', async () => {
    const process = new WaywardStore(real);
    const registry = world.registry(process);
    await registry.register({ service: 'orders', id: 'z', address: 'h' });
    const view = await world.view();

    process.goAway();
    await clock.advance(9_000);
    expect(idsOf(view)).toBe('z');
    await clock.advance(3_000);

    expect(idsOf(view)).toBe('');
  });
});

describe('ServiceView.ready', () => {
  test('a service without instances is an answer', async () => {
    const view = await world.view();

    expect(view.all()).toEqual([]);
    expect(view.stale).toBe(false);
  });

  test('waits for as many instances as are wanted; drained ones do not count', async () => {
    await register('ab');
    await servers.drain('orders', 'a');
    const view = await world.view();
    let isReady = false;
    const waiting = view.ready({ instances: 2 }).then(() => (isReady = true));
    await settle();
    expect(isReady).toBe(false);

    await register('c');

    await waiting;
  });

  test('waits no longer than its timeout', async () => {
    const waiting = world.registry().service('orders').ready({ instances: 1, timeout: '1s' });

    await Promise.all([expect(waiting).rejects.toThrow(TimeoutError), clock.advance(1_000)]);
  });

  test('ends when the registry is disposed', async () => {
    const registry = world.registry();
    const waiting = registry.service('orders').ready({ instances: 1 });
    await settle();

    await Promise.all([expect(waiting).rejects.toThrow(ClosedError), registry.dispose()]);
  });
});

describe('ServiceView, as it changes', () => {
  const inWords = ({ changes }: ViewChange<unknown>) => changes.map(({ type, key }) => `${type} ${key}`);

  test('iterating gives the present first, then each change', async () => {
    const [a] = await register('a');
    const seen: string[][] = [];
    const view = await world.view();
    const reading = (async () => {
      for await (const change of view) if (seen.push(inWords(change)) === 5) break;
    })();
    await settle();

    await register('b');
    await servers.drain('orders', 'b');
    await a?.update({ load: 7 });
    await a?.unregister();
    await reading;

    expect(seen).toEqual([['added a'], ['added b'], ['updated b'], ['updated a'], ['removed a']]);
  });

  test('a reader that is far behind gets merged changes', async () => {
    const [a] = await register('a');
    const view = await world.view();
    const changes = view.changes()[Symbol.asyncIterator]();
    await changes.next();
    for (let load = 1; load <= 65; load += 1) await a?.update({ load });
    await settle();

    const change = (await changes.next()).value as ViewChange<unknown>;

    expect(change.changes).toMatchObject([{ type: 'updated', previous: { load: 0 }, current: { load: 65 } }]);
  });

  test('an abort ends the loop with its reason', async () => {
    const view = await world.view();
    const controller = new AbortController();
    const changes = view.changes({ signal: controller.signal })[Symbol.asyncIterator]();
    await changes.next();

    controller.abort(new Error('enough'));

    await expect(changes.next()).rejects.toThrow('enough');
  });
});

describe('What an operator decides', () => {
  test('a drained instance is shown and not picked, until it is restored', async () => {
    await register('ab');
    await servers.drain('orders', 'a', { reason: 'disk' });
    const view = await world.view();

    expect(view.get('a')?.drained).toBe(true);
    expect(pickMany(view, 4)).toBe('bbbb');
    await servers.restore('orders', 'a');
    await settle();
    expect(pickMany(view, 4)).toBe('abab');
  });

  test('draining survives updates, lost sessions and another process under the same id', async () => {
    const process = new WaywardStore(real);
    const registry = world.registry(process);
    const registration = await registry.register({ service: 'orders', id: 'z', address: 'h' });
    await servers.drain('orders', 'z');
    const view = await world.view();

    await registration.update({ load: 1 });
    process.goAway();
    await clock.advance(30_000);
    expect(view.all()).toEqual([]);
    process.comeBack();
    await clock.advance(60_000);
    expect(view.get('z')).toMatchObject({ drained: true, load: 1 });

    await servers.register({ service: 'orders', id: 'z', address: 'h2' });
    await settle();
    expect(view.get('z')).toMatchObject({ drained: true, address: 'h2' });
  });

  test('no instance looks undrained because its override is read later', async () => {
    await register('a');
    await servers.drain('orders', 'a');
    let held = () => {};
    const released = new Promise<void>((resolve) => (held = resolve));
    wayward.onCall = ({ number }) => (number === 2 ? { kind: 'before', act: () => released } : undefined);
    const view = world.registry().service('orders');
    void view.ready();
    await settle();

    expect(() => view.pick()).toThrow(NoInstanceError);
    held();
    await settle();

    expect(view.get('a')?.drained).toBe(true);
  });

  test('a weight decided by an operator stands for the instance’s own', async () => {
    await register('ab', { weight: 5 });
    await servers.override('orders', 'a', { weight: 0 });
    const view = await world.view();

    expect(view.get('a')).toMatchObject({ weight: 0, drained: false });
    expect(pickMany(view, 3)).toBe('bbb');
  });

  test('a weight below 0 is refused', async () => {
    await expect(servers.override('orders', 'a', { weight: -1 })).rejects.toMatchObject({ field: 'weight' });
  });
});

describe('ServiceView.pick', () => {
  test('names the service if there is none, and says what became of those it knew', async () => {
    await register('abc');
    await servers.drain('orders', 'a');
    const view = await world.view();

    expect(() => view.pick({ exclude: ['b', 'c'] })).toThrow(
      expect.objectContaining({
        code: 'NO_INSTANCE',
        service: 'orders',
        counts: { known: 3, drained: 1, excluded: 2, stale: false },
      }),
    );
    const empty = world.registry().service('nowhere');
    expect(() => empty.pick()).toThrow(/no instance of service nowhere.*not ready/);
  });

  test('leaves out what it is told to leave out', async () => {
    await register('abc');
    const view = await world.view();

    const picked = view.pick({ exclude: ['a'], where: ({ address }) => address !== 'host-b' });

    expect(picked.instance.id).toBe('c');
  });

  test('prefers the zone it is asked for, and spills over when that is drained', async () => {
    await register('ab', { zone: 'north' });
    await register('c', { zone: 'south' });
    const view = await world.view();
    const pick = () => view.pick({ zone: 'south' }).instance.id;

    expect([pick(), pick()]).toEqual(['c', 'c']);
    await servers.drain('orders', 'c');
    await settle();
    expect(pick()).toBe('a');
  });

  test('takes another strategy for one pick', async () => {
    await register('abc');
    const view = await world.view({ strategy: random() });

    const first = view.pick({ strategy: sticky(), key: 'user 7' }).instance.id;

    expect(view.pick({ strategy: sticky(), key: 'user 7' }).instance.id).toBe(first);
  });

  test('counts what is in flight until ok, fail or disposing, whichever comes first', async () => {
    await register('ab');
    const registry = world.registry();
    const view = registry.service('orders');
    await view.ready();
    const pick = () => view.pick({ strategy: leastLoaded() });

    const first = pick();
    const other = pick();
    expect(other.instance.id).not.toBe(first.instance.id);
    other.ok();
    other.ok();
    other[Symbol.dispose]();
    const third = pick();
    expect(third.instance.id).toBe(other.instance.id);
    {
      using _disposed = first;
    }

    expect(pick().instance.id).toBe(first.instance.id);
  });
});

test('a view that the store refuses for good ends its readers with the reason', async () => {
  wayward.onCall = () => ({ kind: 'fail', error: new ClosedError() });
  const view = world.registry().service('orders');

  await expect(view.ready()).rejects.toThrow(ClosedError);
  await expect(view.ready({ instances: 1 })).rejects.toThrow(ClosedError);
});
