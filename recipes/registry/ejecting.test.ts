import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Store } from '../../core/store.js';
import { type ManualClock, settle } from '../../core/testing/manual-clock.js';
import type { Instance } from './instance.js';
import { ServiceRegistry } from './service-registry.js';
import type { ServiceView } from './service-view.js';
import { type Meta, RegistryWorld } from './testing/registry-world.js';

let world: RegistryWorld;
let clock: ManualClock;
let real: Store;
let servers: ServiceRegistry<Meta>;

beforeEach(async () => {
  world = await RegistryWorld.open();
  ({ clock, real } = world);
  servers = world.registry(real);
});

afterEach(() => world.close());

const register = (ids: string, parts: Partial<Instance<Meta>> = {}) =>
  Promise.all([...ids].map((id) => servers.register({ service: 'orders', id, address: `host-${id}`, ...parts })));

/** The ids of so many picks, each of which ends well. */
function pickMany(view: ServiceView<Meta>, count: number): string {
  return Array.from({ length: count }, () => {
    const picked = view.pick();
    picked.ok();
    return picked.instance.id;
  }).join('');
}

function failing(view: ServiceView<Meta>, id: string, times: number): void {
  for (let time = 0; time < times; time += 1) {
    view.pick({ where: (instance) => instance.id === id }).fail(new Error('refused'));
  }
}

describe('An instance that fails its callers', () => {
  test('is left out after two failures within half a minute, for half a minute', async () => {
    await register('ab');
    const view = await world.view();

    failing(view, 'a', 1);
    expect(pickMany(view, 2)).toBe('ba');
    failing(view, 'a', 2);

    expect(pickMany(view, 3)).toBe('bbb');
    await clock.advance(29_999);
    expect(pickMany(view, 2)).toBe('bb');
    await clock.advance(1);
    expect(pickMany(view, 2)).toBe('ab');
  });

  test('failures that are further apart do not count together', async () => {
    await register('ab');
    const view = await world.view();

    failing(view, 'a', 1);
    await clock.advance(30_001);
    failing(view, 'a', 1);
    expect(pickMany(view, 2)).toBe('ba');
    await clock.advance(30_000);
    failing(view, 'a', 1);

    expect(pickMany(view, 2)).toBe('bb');
  });

  test('a busy one that fails now and then stays; one that fails half its calls does not', async () => {
    await register('ab');
    const view = await world.view();
    const failThenSucceed = (successes: number) => {
      failing(view, 'a', 1);
      for (let time = 0; time < successes; time += 1) view.pick({ where: ({ id }) => id === 'a' }).ok();
    };

    for (let time = 0; time < 10; time += 1) failThenSucceed(3);
    expect(pickMany(view, 2)).toBe('ba');
    await clock.advance(30_001);
    failThenSucceed(1);
    failThenSucceed(1);

    expect(pickMany(view, 2)).toBe('bb');
  });

  test('a call that ends without a word says nothing of it', async () => {
    await register('ab');
    const view = await world.view();

    failing(view, 'a', 1);
    view.pick({ where: ({ id }) => id === 'a' })[Symbol.dispose]();
    failing(view, 'a', 1);

    expect(pickMany(view, 2)).toBe('bb');
  });

  test('is picked all the same if too few others are left: then the fault is hardly theirs', async () => {
    await register('abcd');
    const view = await world.view({ protect: 0.5 });

    for (const id of 'ab') failing(view, id, 2);
    expect(pickMany(view, 4)).toBe('cdcd');
    failing(view, 'c', 2);

    expect([...pickMany(view, 4)].sort().join('')).toBe('abcd');
  });

  test('the last one is never left out', async () => {
    await register('a');
    const view = await world.view({ protect: 0 });

    failing(view, 'a', 5);

    expect(view.pick().instance.id).toBe('a');
  });

  test('another process under its id begins with a clean record', async () => {
    await register('ab');
    const view = await world.view();
    failing(view, 'a', 2);

    await world.registry(real).register({ service: 'orders', id: 'a', address: 'new' });
    await settle();

    expect(pickMany(view, 2)).toMatch(/a/);
  });

  test('nothing is left out where ejecting is off', async () => {
    await register('ab');
    const view = await world.view({ eject: false });

    failing(view, 'a', 9);

    expect(pickMany(view, 2)).toBe('ba');
  });

  test.each([
    ['eject.errors', { eject: { errors: 0 } }],
    ['eject.within', { eject: { within: -1 } }],
    ['protect', { protect: 1.1 }],
    ['namespace', { namespace: 'a/svc' }],
  ] as const)('a registry refuses %s outside its limits', (field, options) => {
    expect(() => new ServiceRegistry(real, options)).toThrow(expect.objectContaining({ field }));
  });
});
