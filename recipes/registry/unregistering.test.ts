import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ClosedError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import type { Registration } from './registration.js';
import { a, type Meta, TTL_MS, RegistryWorld } from './testing/registry-world.js';

let world: RegistryWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;

beforeEach(async () => {
  world = await RegistryWorld.open();
  ({ clock, real, wayward } = world);
});

afterEach(() => world.close());

describe('unregister', () => {
  test('takes the instance and its lease out, ends the signal, and may be said twice', async () => {
    const registration = await world.register(world.registry());

    await world.turning(Promise.all([registration.unregister(), registration.unregister()]));

    expect(await world.stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
    expect(registration.state).toBe('ended');
    expect(registration.signal.reason).toBeInstanceOf(ClosedError);
  });

  test('while it is being registered anew is not undone by that', async () => {
    const registration = await world.register(world.registry());
    await world.loseSession();
    wayward.comeBack();
    let isUnregistered: Promise<void> | undefined;
    const unregister = () => void (isUnregistered ??= registration.unregister());
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'after', act: unregister } : undefined);

    await clock.advance(60_000);
    await isUnregistered;

    expect(isUnregistered).toBeDefined();
    expect(await world.stored()).toBeUndefined();
    expect(registration.state).toBe('ended');
  });

  test('while the session is lost is final: the instance does not come back with the store', async () => {
    const registration = await world.register(world.registry());
    await world.loseSession();
    await world.turning(registration.unregister());

    wayward.comeBack();
    await clock.advance(60_000);

    expect(await world.stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
  });

  test('takes out, too, what still lives by the lease of a session that was lost before', async () => {
    const registration = await world.register(world.registry(wayward, { ttl: '60s' }));
    wayward.onCall = ({ method }) => (method === 'keepAlive' || method === 'txn' ? { kind: 'hang' } : undefined);
    await clock.advance(56_000);
    expect(registration.state).toBe('rejoining');
    expect(await world.stored()).toBeDefined();

    await registration.unregister();

    expect(await world.stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
  });

  test('while the store is away ends, and the record ends with its lease', async () => {
    const registration = await world.register(world.registry());
    wayward.goAway();

    await world.turning(registration.unregister());
    await clock.advance(TTL_MS);

    expect(await world.stored()).toBeUndefined();
  });

  test('while an update is on its way is not undone when that arrives late', async () => {
    const registration = await world.register(world.registry());
    let arrive = () => {};
    const until = new Promise<void>((resolve) => (arrive = resolve));
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'deliverLate', until } : undefined);
    const updating = registration.update({ metadata: { build: 2 } });
    await settle();

    await Promise.all([expect(updating).rejects.toThrow(ClosedError), world.turning(registration.unregister())]);
    arrive();
    await clock.advance(1_000);

    expect(await world.stored()).toBeUndefined();
  });
});

describe('dispose', () => {
  test('unregisters everything, refuses what comes after, and leaves no timer', async () => {
    const timers = clock.timerCount;
    const registry = world.registry();
    const registrations: Registration<Meta>[] = [
      await world.register(registry),
      await world.register(registry, { ...a, id: 'b' }),
    ];
    await registry.service('orders').ready();

    await world.turning(registry.dispose());
    await registry.dispose();

    expect(registrations.map(({ state }) => state)).toEqual(['ended', 'ended']);
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(0);
    await expect(registry.register(a)).rejects.toThrow(ClosedError);
    expect(() => registry.service('orders')).toThrow(ClosedError);
    expect(clock.timerCount).toBe(timers);
  });

  test('calls off a registration that is under way, and waits until nothing is left of it', async () => {
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'hang' } : undefined);
    const registry = world.registry();
    const registering = registry.register(a);
    registering.catch(() => undefined);
    await settle();
    expect(await real.leases()).toHaveLength(1);

    await registry.dispose();

    expect(await real.leases()).toEqual([]);
    await expect(registering).rejects.toThrow(ClosedError);
  });
});
