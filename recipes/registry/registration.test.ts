import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../core/base/bytes.js';
import { ClosedError, RequestTooLargeError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import { seededPrng } from '../../core/base/prng.js';
import { open } from '../../core/embedded/open.js';
import type { Store } from '../../core/store.js';
import { ManualClock, settle } from '../../core/testing/manual-clock.js';
import { WaywardStore } from '../mirror/testing/wayward-store.js';
import { InstanceExistsError, InstanceReplacedError } from './errors.js';
import type { Instance } from './instance.js';
import type { RegisterOptions, Registration } from './registration.js';
import { ServiceRegistry, type ServiceRegistryOptions } from './service-registry.js';

interface Meta {
  readonly build: number;
}

const KEY = 'conclave/svc/orders/a';
const TTL_MS = 10_000;

let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;
const registries: ServiceRegistry<Meta>[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  real = await open({ memory: true }, { clock });
  wayward = new WaywardStore(real);
});

afterEach(async () => {
  wayward.comeBack();
  await turning(Promise.all(registries.splice(0).map((registry) => registry.dispose())));
  await real.close();
});

/** A registry in a process of its own; with `real` one whose network is sound. */
function registryOf(store: Store = wayward, options: ServiceRegistryOptions = {}): ServiceRegistry<Meta> {
  const registry = new ServiceRegistry<Meta>(store, { ttl: TTL_MS, prng: seededPrng(5), ...options });
  registries.push(registry);
  return registry;
}

const a: Instance<Meta> = { service: 'orders', id: 'a', address: '10.0.0.1', port: 80, metadata: { build: 1 } };

/** Turns the clock until the promise has settled, for at most ten minutes. */
async function turning<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => (isSettled = true));
  settled.catch(() => undefined);
  for (let turn = 0; turn < 600 && !isSettled; turn += 1) await clock.advance(1_000);
  return settled;
}

const register = (registry: ServiceRegistry<Meta>, instance = a, options: RegisterOptions = {}) =>
  turning(registry.register(instance, options));

async function stored(key = KEY): Promise<Record<string, unknown> | undefined> {
  const kv = await real.get(key);
  return kv && (JSON.parse(toText(kv.value)) as Record<string, unknown>);
}

/** Calls back with every record that is written from now on. */
async function collect(take: (record: Record<string, unknown>) => void): Promise<void> {
  try {
    for await (const { events } of real.watch(KEY)) {
      for (const { type, kv } of events) {
        if (type === 'put') take(JSON.parse(toText(kv.value)) as Record<string, unknown>);
      }
    }
  } catch {
    // The store was closed: the test is over.
  }
}

/** The store stays away for longer than the session lives, so that the lease ends there. */
async function loseSession(): Promise<void> {
  wayward.goAway();
  await clock.advance(3 * TTL_MS);
  expect(await stored()).toBeUndefined();
}

describe('register', () => {
  test('puts the instance under a lease, with who and where it is', async () => {
    const registration = await register(registryOf());

    expect(await stored()).toMatchObject({ address: '10.0.0.1', port: 80, metadata: { build: 1 }, pid: process.pid });
    expect((await real.get(KEY))?.lease).not.toBe(0n);
    expect(registration).toMatchObject({ service: 'orders', id: 'a', state: 'registered' });
    expect(registration.signal.aborted).toBe(false);
  });

  test('makes up an id where none is given', async () => {
    const { id: _, ...nameless } = a;
    const registry = registryOf();

    const [one, other] = [await register(registry, nameless), await register(registry, nameless)];

    expect(one.id).not.toBe(other.id);
    expect((await real.range(prefix('conclave/svc/orders/'))).count).toBe(2);
  });

  test('stays for as long as the process keeps its session', async () => {
    const registration = await register(registryOf());

    await clock.advance(10 * TTL_MS);

    expect(await stored()).toBeDefined();
    expect(registration.state).toBe('registered');
  });

  test('a reply that was lost does not make it register twice or take itself for another', async () => {
    let lost = 0;
    wayward.onCall = ({ method }) => (method === 'txn' && (lost += 1) <= 2 ? { kind: 'loseReply' } : undefined);

    const registration = await register(registryOf(), a, { onConflict: 'reject' });

    expect(registration.state).toBe('registered');
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(1);
  });

  test('waits while the store is away', async () => {
    wayward.goAway();
    const registering = registryOf().register(a);
    await clock.advance(20_000);
    expect(await stored()).toBeUndefined();

    wayward.comeBack();

    expect((await turning(registering)).state).toBe('registered');
  });

  test('called off by its timeout, it leaves nothing behind and never comes back', async () => {
    wayward.goAway();
    const registering = registryOf().register(a, { timeout: '3s' });
    await expect(turning(registering)).rejects.toThrow(TimeoutError);

    wayward.comeBack();
    await clock.advance(60_000);

    expect(await stored()).toBeUndefined();
    expect((await real.leases()).length).toBe(0);
  });

  test('called off while its put is on the way, it leaves nothing behind even if that arrives late', async () => {
    let arrive = () => {};
    const until = new Promise<void>((resolve) => (arrive = resolve));
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'deliverLate', until } : undefined);
    const registering = registryOf().register(a, { timeout: '3s' });
    await expect(turning(registering)).rejects.toThrow(TimeoutError);

    arrive();
    await clock.advance(1_000);

    expect(await stored()).toBeUndefined();
  });

  test.each([
    ['service', { ...a, service: '' }],
    ['id', { ...a, id: '/a' }],
    ['address', { ...a, address: '' }],
    ['port', { ...a, port: 65_536 }],
    ['weight', { ...a, weight: -1 }],
    ['load', { ...a, load: Number.NaN }],
    ['metadata', { ...a, metadata: { build: 1n as unknown as number } }],
  ])('refuses a wrong %s by name, and puts nothing', async (field, instance) => {
    await expect(registryOf().register(instance)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
    expect(wayward.calls).toEqual([]);
  });
});

describe('an id that is taken', () => {
  test('is taken over by default; the one before ends, says by whom, and stays away', async () => {
    const before = await register(registryOf());

    const after = await register(registryOf(real), { ...a, address: '10.0.0.2' });
    await clock.advance(10 * TTL_MS);

    expect(before.state).toBe('ended');
    expect(before.signal.reason).toBeInstanceOf(InstanceReplacedError);
    await expect(before.update({ metadata: { build: 9 } })).rejects.toThrow(InstanceReplacedError);
    expect(after.state).toBe('registered');
    expect(await stored()).toMatchObject({ address: '10.0.0.2' });
  });

  test('is refused where that is asked for, and the one before is unharmed', async () => {
    const before = await register(registryOf());

    await expect(register(registryOf(real), a, { onConflict: 'reject' })).rejects.toThrow(InstanceExistsError);
    await clock.advance(2 * TTL_MS);

    expect(before.state).toBe('registered');
    expect(await stored()).toMatchObject({ metadata: { build: 1 } });
  });

  test('by another registration while the session was lost is left to it', async () => {
    const before = await register(registryOf());
    await loseSession();
    await register(registryOf(real), { ...a, address: '10.0.0.2' });

    wayward.comeBack();
    await clock.advance(60_000);

    expect(before.state).toBe('ended');
    expect(before.signal.reason).toMatchObject({ code: 'INSTANCE_REPLACED', service: 'orders', id: 'a' });
    expect(await stored()).toMatchObject({ address: '10.0.0.2' });
  });

  test('by another registration is noticed when registering anew, even if the watch tells nothing', async () => {
    wayward.isDeaf = true;
    await register(registryOf());
    wayward.onCall = ({ method }) =>
      method === 'keepAlive' || method === 'grantLease'
        ? { kind: 'fail', error: new UnavailableError('x') }
        : undefined;
    await clock.advance(2 * TTL_MS);
    await register(registryOf(real), { ...a, address: '10.0.0.2' });
    const seen: string[] = [];
    void collect((record) => seen.push(record['address'] as string));

    wayward.onCall = () => undefined;
    wayward.breakWatches(new UnavailableError('broken'));
    await clock.advance(60_000);

    expect(seen).toEqual([]);
  });

  test('unregistering the one that was replaced does not take the other one out', async () => {
    const before = await register(registryOf());
    await register(registryOf(real), { ...a, address: '10.0.0.2' });

    await turning(before.unregister());

    expect(await stored()).toMatchObject({ address: '10.0.0.2' });
  });
});

describe('update', () => {
  test('changes what is registered, and waits for the store', async () => {
    const registration = await register(registryOf());

    await turning(registration.update({ metadata: { build: 2 }, load: 3 }));

    expect(await stored()).toMatchObject({ address: '10.0.0.1', metadata: { build: 2 }, load: 3 });
    expect(registration.instance.metadata).toEqual({ build: 2 });
  });

  test('updates that come together are written once, the last one wins, and all of them learn of it', async () => {
    const registration = await register(registryOf());
    const before = wayward.countOf('txn');

    await turning(Promise.all([2, 3, 4, 5].map((build) => registration.update({ metadata: { build } }))));

    expect(await stored()).toMatchObject({ metadata: { build: 5 } });
    expect(wayward.countOf('txn') - before).toBe(1);
  });

  test('what is registered anew after a lost session is what was updated last, never older data', async () => {
    const registration = await register(registryOf());
    await turning(registration.update({ metadata: { build: 2 } }));
    await loseSession();
    await expect(turning(registration.update({ metadata: { build: 3 } }, { timeout: 100 }))).rejects.toThrow(
      TimeoutError,
    );
    const seen: unknown[] = [];
    void collect((record) => seen.push((record['metadata'] as Meta).build));

    wayward.comeBack();
    await clock.advance(60_000);

    expect(registration.state).toBe('registered');
    expect(seen).toEqual([3]);
  });

  test('of which the reply was lost is not followed by older data', async () => {
    const registration = await register(registryOf());
    const seen: unknown[] = [];
    void collect((record) => seen.push((record['metadata'] as Meta).build));
    await settle();
    let lost = 0;
    wayward.onCall = ({ method }) => (method === 'txn' && (lost += 1) === 1 ? { kind: 'loseReply' } : undefined);

    const updates = [registration.update({ metadata: { build: 2 } })];
    await settle();
    updates.push(registration.update({ metadata: { build: 3 } }));
    await turning(Promise.all(updates));

    expect(seen).toEqual([2, 3]);
  });

  test('that the store refuses is thrown, and what it had before is what is registered anew', async () => {
    const registration = await register(registryOf());
    wayward.onCall = ({ method }) =>
      method === 'txn' ? { kind: 'fail', error: new RequestTooLargeError(2, 1) } : undefined;
    await expect(turning(registration.update({ metadata: { build: 2 } }))).rejects.toThrow(RequestTooLargeError);

    await loseSession();
    wayward.comeBack();
    await clock.advance(60_000);

    expect(await stored()).toMatchObject({ metadata: { build: 1 } });
  });

  test('refuses wrong data and changes nothing', async () => {
    const registration = await register(registryOf());

    await expect(registration.update({ port: -1 })).rejects.toMatchObject({ field: 'port' });

    expect(registration.instance.port).toBe(80);
  });
});

describe('a session that is lost', () => {
  test('is followed by another one by itself', async () => {
    const registration = await register(registryOf());
    await loseSession();
    expect(registration.state).toBe('rejoining');
    expect(registration.signal.aborted).toBe(false);

    wayward.comeBack();
    await clock.advance(60_000);

    expect(registration.state).toBe('registered');
    expect(await stored()).toBeDefined();
  });

  test('twice in quick succession leaves one record, under a lease that lives', async () => {
    const registration = await register(registryOf());
    await loseSession();
    wayward.comeBack();
    await clock.advance(500);
    await loseSession();
    wayward.comeBack();
    await clock.advance(60_000);

    expect(registration.state).toBe('registered');
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(1);
    expect(await real.leases()).toEqual([(await real.get(KEY))?.lease]);
  });

  test('because its lease was revoked is noticed at once', async () => {
    const registration = await register(registryOf());

    await real.lease((await real.get(KEY))?.lease ?? 0n).revoke();
    await clock.advance(3_000);

    expect(registration.state).toBe('registered');
    expect(await stored()).toBeDefined();
  });

  test('by many at one moment brings them back at different moments', async () => {
    const registry = registryOf();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await register(registry, { ...a, id });
    const counts = new Set<number>();

    await Promise.all((await real.leases()).map((lease) => real.lease(lease).revoke()));
    for (let step = 0; step < 300; step += 1) {
      await clock.advance(10);
      counts.add((await real.range(prefix('conclave/svc/'))).count);
    }

    expect([...counts]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('does not make it hammer a store that stays away', async () => {
    await register(registryOf());
    await loseSession();
    const before = wayward.calls.length;

    await clock.advance(10 * 60_000);

    expect(wayward.calls.length - before).toBeLessThan(200);
  });
});

describe('a record that vanishes', () => {
  test('is put back, because the process still offers the service', async () => {
    const registration = await register(registryOf());

    await real.delete(KEY);
    await settle();

    expect(await stored()).toBeDefined();
    expect(registration.state).toBe('registered');
  });
});

describe('unregister', () => {
  test('takes the instance and its lease out, ends the signal, and may be said twice', async () => {
    const registration = await register(registryOf());

    await turning(Promise.all([registration.unregister(), registration.unregister()]));

    expect(await stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
    expect(registration.state).toBe('ended');
    expect(registration.signal.reason).toBeInstanceOf(ClosedError);
  });

  test('while it is being registered anew is not undone by that', async () => {
    const registration = await register(registryOf());
    await loseSession();
    wayward.comeBack();
    let isUnregistered: Promise<void> | undefined;
    const unregister = () => void (isUnregistered ??= registration.unregister());
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'after', act: unregister } : undefined);

    await clock.advance(60_000);
    await isUnregistered;

    expect(isUnregistered).toBeDefined();
    expect(await stored()).toBeUndefined();
    expect(registration.state).toBe('ended');
  });

  test('while the session is lost is final: the instance does not come back with the store', async () => {
    const registration = await register(registryOf());
    await loseSession();
    await turning(registration.unregister());

    wayward.comeBack();
    await clock.advance(60_000);

    expect(await stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
  });

  test('takes out, too, what still lives by the lease of a session that was lost before', async () => {
    const registration = await register(registryOf(wayward, { ttl: '60s' }));
    wayward.onCall = ({ method }) => (method === 'keepAlive' || method === 'txn' ? { kind: 'hang' } : undefined);
    await clock.advance(56_000);
    expect(registration.state).toBe('rejoining');
    expect(await stored()).toBeDefined();

    await registration.unregister();

    expect(await stored()).toBeUndefined();
    expect(await real.leases()).toEqual([]);
  });

  test('while the store is away ends, and the record ends with its lease', async () => {
    const registration = await register(registryOf());
    wayward.goAway();

    await turning(registration.unregister());
    await clock.advance(TTL_MS);

    expect(await stored()).toBeUndefined();
  });

  test('while an update is on its way is not undone when that arrives late', async () => {
    const registration = await register(registryOf());
    let arrive = () => {};
    const until = new Promise<void>((resolve) => (arrive = resolve));
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'deliverLate', until } : undefined);
    const updating = registration.update({ metadata: { build: 2 } });
    await settle();

    await Promise.all([expect(updating).rejects.toThrow(ClosedError), turning(registration.unregister())]);
    arrive();
    await clock.advance(1_000);

    expect(await stored()).toBeUndefined();
  });
});

describe('dispose', () => {
  test('unregisters everything, refuses what comes after, and leaves no timer', async () => {
    const timers = clock.timerCount;
    const registry = registryOf();
    const registrations: Registration<Meta>[] = [await register(registry), await register(registry, { ...a, id: 'b' })];
    await registry.service('orders').ready();

    await turning(registry.dispose());
    await registry.dispose();

    expect(registrations.map(({ state }) => state)).toEqual(['ended', 'ended']);
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(0);
    await expect(registry.register(a)).rejects.toThrow(ClosedError);
    expect(() => registry.service('orders')).toThrow(ClosedError);
    expect(clock.timerCount).toBe(timers);
  });

  test('calls off a registration that is under way, and waits until nothing is left of it', async () => {
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'hang' } : undefined);
    const registry = registryOf();
    const registering = registry.register(a);
    registering.catch(() => undefined);
    await settle();
    expect(await real.leases()).toHaveLength(1);

    await registry.dispose();

    expect(await real.leases()).toEqual([]);
    await expect(registering).rejects.toThrow(ClosedError);
  });
});
