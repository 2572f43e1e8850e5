import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { toText } from '../../core/base/bytes.js';
import { RequestTooLargeError, TimeoutError, UnavailableError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { WaywardStore } from '../mirror/testing/wayward-store.js';
import { InstanceExistsError, InstanceReplacedError } from './errors.js';
import { a, KEY, type Meta, TTL_MS, RegistryWorld } from './testing/registry-world.js';

let world: RegistryWorld;
let clock: ManualClock;
let real: Store;
let wayward: WaywardStore;

beforeEach(async () => {
  world = await RegistryWorld.open();
  ({ clock, real, wayward } = world);
});

afterEach(() => world.close());

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

describe('register', () => {
  test('puts the instance under a lease, with who and where it is', async () => {
    const registration = await world.register(world.registry());

    expect(await world.stored()).toMatchObject({
      address: '10.0.0.1',
      port: 80,
      metadata: { build: 1 },
      pid: process.pid,
    });
    expect((await real.get(KEY))?.lease).not.toBe(0n);
    expect(registration).toMatchObject({ service: 'orders', id: 'a', state: 'registered' });
    expect(registration.signal.aborted).toBe(false);
  });

  test('makes up an id where none is given', async () => {
    const { id: _, ...nameless } = a;
    const registry = world.registry();

    const [one, other] = [await world.register(registry, nameless), await world.register(registry, nameless)];

    expect(one.id).not.toBe(other.id);
    expect((await real.range(prefix('conclave/svc/orders/'))).count).toBe(2);
  });

  test('stays for as long as the process keeps its session', async () => {
    const registration = await world.register(world.registry());

    await clock.advance(10 * TTL_MS);

    expect(await world.stored()).toBeDefined();
    expect(registration.state).toBe('registered');
  });

  test('a reply that was lost does not make it register twice or take itself for another', async () => {
    let lost = 0;
    wayward.onCall = ({ method }) => (method === 'txn' && (lost += 1) <= 2 ? { kind: 'loseReply' } : undefined);

    const registration = await world.register(world.registry(), a, { onConflict: 'reject' });

    expect(registration.state).toBe('registered');
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(1);
  });

  test('waits while the store is away', async () => {
    wayward.goAway();
    const registering = world.registry().register(a);
    await clock.advance(20_000);
    expect(await world.stored()).toBeUndefined();

    wayward.comeBack();

    expect((await world.turning(registering)).state).toBe('registered');
  });

  test('called off by its timeout, it leaves nothing behind and never comes back', async () => {
    wayward.goAway();
    const registering = world.registry().register(a, { timeout: '3s' });
    await expect(world.turning(registering)).rejects.toThrow(TimeoutError);

    wayward.comeBack();
    await clock.advance(60_000);

    expect(await world.stored()).toBeUndefined();
    expect((await real.leases()).length).toBe(0);
  });

  test('called off by its timeout, it is so at that moment, however long cleaning up takes', async () => {
    const registry = world.registry(wayward, { ttl: '60s' });
    wayward.onCall = ({ method }) => (method === 'grantLease' ? undefined : { kind: 'hang' });
    const registering = registry.register(a, { timeout: '3s' });
    let isOver = false;
    registering.catch(() => (isOver = true));

    await clock.advance(3_000);

    expect(isOver).toBe(true);
  });

  test('called off while its put is on the way, it leaves nothing behind even if that arrives late', async () => {
    let arrive = () => {};
    const until = new Promise<void>((resolve) => (arrive = resolve));
    wayward.onCall = ({ method }) => (method === 'txn' ? { kind: 'deliverLate', until } : undefined);
    const registering = world.registry().register(a, { timeout: '3s' });
    await expect(world.turning(registering)).rejects.toThrow(TimeoutError);

    arrive();
    await clock.advance(1_000);

    expect(await world.stored()).toBeUndefined();
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
    await expect(world.registry().register(instance)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
    expect(wayward.calls).toEqual([]);
  });
});

describe('an id that is taken', () => {
  test('is taken over by default; the one before ends, says by whom, and stays away', async () => {
    const before = await world.register(world.registry());

    const after = await world.register(world.registry(real), { ...a, address: '10.0.0.2' });
    await clock.advance(10 * TTL_MS);

    expect(before.state).toBe('ended');
    expect(before.signal.reason).toBeInstanceOf(InstanceReplacedError);
    await expect(before.update({ metadata: { build: 9 } })).rejects.toThrow(InstanceReplacedError);
    expect(after.state).toBe('registered');
    expect(await world.stored()).toMatchObject({ address: '10.0.0.2' });
  });

  test('is refused where that is asked for, and the one before is unharmed', async () => {
    const before = await world.register(world.registry());

    await expect(world.register(world.registry(real), a, { onConflict: 'reject' })).rejects.toThrow(
      InstanceExistsError,
    );
    await clock.advance(2 * TTL_MS);

    expect(before.state).toBe('registered');
    expect(await world.stored()).toMatchObject({ metadata: { build: 1 } });
  });

  test('by another registration while the session was lost is left to it', async () => {
    const before = await world.register(world.registry());
    await world.loseSession();
    await world.register(world.registry(real), { ...a, address: '10.0.0.2' });

    wayward.comeBack();
    await clock.advance(60_000);

    expect(before.state).toBe('ended');
    expect(before.signal.reason).toMatchObject({ code: 'INSTANCE_REPLACED', service: 'orders', id: 'a' });
    expect(await world.stored()).toMatchObject({ address: '10.0.0.2' });
  });

  test('by another registration is noticed when registering anew, even if the watch tells nothing', async () => {
    wayward.isDeaf = true;
    await world.register(world.registry());
    wayward.onCall = ({ method }) =>
      method === 'keepAlive' || method === 'grantLease'
        ? { kind: 'fail', error: new UnavailableError('x') }
        : undefined;
    await clock.advance(2 * TTL_MS);
    await world.register(world.registry(real), { ...a, address: '10.0.0.2' });
    const seen: string[] = [];
    void collect((record) => seen.push(record['address'] as string));

    wayward.onCall = () => undefined;
    wayward.breakWatches(new UnavailableError('broken'));
    await clock.advance(60_000);

    expect(seen).toEqual([]);
  });

  test('unregistering the one that was replaced does not take the other one out', async () => {
    const before = await world.register(world.registry());
    await world.register(world.registry(real), { ...a, address: '10.0.0.2' });

    await world.turning(before.unregister());

    expect(await world.stored()).toMatchObject({ address: '10.0.0.2' });
  });
});

describe('update', () => {
  test('changes what is registered, and waits for the store', async () => {
    const registration = await world.register(world.registry());

    await world.turning(registration.update({ metadata: { build: 2 }, load: 3 }));

    expect(await world.stored()).toMatchObject({ address: '10.0.0.1', metadata: { build: 2 }, load: 3 });
    expect(registration.instance.metadata).toEqual({ build: 2 });
  });

  test('updates that come together are written once, the last one wins, and all of them learn of it', async () => {
    const registration = await world.register(world.registry());
    const before = wayward.countOf('txn');

    await world.turning(Promise.all([2, 3, 4, 5].map((build) => registration.update({ metadata: { build } }))));

    expect(await world.stored()).toMatchObject({ metadata: { build: 5 } });
    expect(wayward.countOf('txn') - before).toBe(1);
  });

  test('what is registered anew after a lost session is what was updated last, never older data', async () => {
    const registration = await world.register(world.registry());
    await world.turning(registration.update({ metadata: { build: 2 } }));
    await world.loseSession();
    await expect(world.turning(registration.update({ metadata: { build: 3 } }, { timeout: 100 }))).rejects.toThrow(
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
    const registration = await world.register(world.registry());
    const seen: unknown[] = [];
    void collect((record) => seen.push((record['metadata'] as Meta).build));
    await settle();
    let lost = 0;
    wayward.onCall = ({ method }) => (method === 'txn' && (lost += 1) === 1 ? { kind: 'loseReply' } : undefined);

    const updates = [registration.update({ metadata: { build: 2 } })];
    await settle();
    updates.push(registration.update({ metadata: { build: 3 } }));
    await world.turning(Promise.all(updates));

    expect(seen).toEqual([2, 3]);
  });

  test('that the store refuses is thrown, and what it had before is what is registered anew', async () => {
    const registration = await world.register(world.registry());
    wayward.onCall = ({ method }) =>
      method === 'txn' ? { kind: 'fail', error: new RequestTooLargeError(2, 1) } : undefined;
    await expect(world.turning(registration.update({ metadata: { build: 2 } }))).rejects.toThrow(RequestTooLargeError);

    await world.loseSession();
    wayward.comeBack();
    await clock.advance(60_000);

    expect(await world.stored()).toMatchObject({ metadata: { build: 1 } });
  });

  test('refuses wrong data and changes nothing', async () => {
    const registration = await world.register(world.registry());

    await expect(registration.update({ port: -1 })).rejects.toMatchObject({ field: 'port' });

    expect(registration.instance.port).toBe(80);
  });
});

describe('a session that is lost', () => {
  test('is followed by another one by itself', async () => {
    const registration = await world.register(world.registry());
    await world.loseSession();
    expect(registration.state).toBe('rejoining');
    expect(registration.signal.aborted).toBe(false);

    wayward.comeBack();
    await clock.advance(60_000);

    expect(registration.state).toBe('registered');
    expect(await world.stored()).toBeDefined();
  });

  test('twice in quick succession leaves one record, under a lease that lives', async () => {
    const registration = await world.register(world.registry());
    await world.loseSession();
    wayward.comeBack();
    await clock.advance(500);
    await world.loseSession();
    wayward.comeBack();
    await clock.advance(60_000);

    expect(registration.state).toBe('registered');
    expect((await real.range(prefix('conclave/svc/'))).count).toBe(1);
    expect(await real.leases()).toEqual([(await real.get(KEY))?.lease]);
  });

  test('because its lease was revoked is noticed at once', async () => {
    const registration = await world.register(world.registry());

    await real.lease((await real.get(KEY))?.lease ?? 0n).revoke();
    await clock.advance(3_000);

    expect(registration.state).toBe('registered');
    expect(await world.stored()).toBeDefined();
  });

  test('by many at one moment brings them back at different moments', async () => {
    const registry = world.registry();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await world.register(registry, { ...a, id });
    const counts = new Set<number>();

    await Promise.all((await real.leases()).map((lease) => real.lease(lease).revoke()));
    for (let step = 0; step < 300; step += 1) {
      await clock.advance(10);
      counts.add((await real.range(prefix('conclave/svc/'))).count);
    }

    expect([...counts]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('does not make it hammer a store that stays away', async () => {
    await world.register(world.registry());
    await world.loseSession();
    const before = wayward.calls.length;

    await clock.advance(10 * 60_000);

    expect(wayward.calls.length - before).toBeLessThan(200);
  });
});

describe('a record that vanishes', () => {
  test('is put back, because the process still offers the service', async () => {
    const registration = await world.register(world.registry());

    await real.delete(KEY);
    await settle();

    expect(await world.stored()).toBeDefined();
    expect(registration.state).toBe('registered');
  });
});
