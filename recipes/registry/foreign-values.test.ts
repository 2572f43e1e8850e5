import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { a, KEY, RegistryWorld } from './testing/registry-world.js';

const START = 'conclave/svc/orders/';

let world: RegistryWorld;

beforeEach(async () => {
  world = await RegistryWorld.open();
});
afterEach(() => world.close());

describe('a view', () => {
  test.each([
    ['no name', ''],
    ['a name that begins with a slash', '/a'],
    ['a name that ends with a slash', 'a%2F'],
    ['a name that is too long', 'x'.repeat(600)],
    ['two names', 'a/b'],
    ['a name that is escaped otherwise', '%2fa'],
  ])('shows what is there although a key has %s', async (_, end) => {
    await world.real.put(`${START}${end}`, '{"address":"10.0.0.9"}');
    await world.real.put(`conclave/svc-admin/orders/${end}`, '{"drain":true}');
    await world.real.put(KEY, '{"address":"10.0.0.1"}');

    const view = await world.view();
    await world.real.put(`${START}${end}`, '{"address":"10.0.0.8"}');
    await world.real.put(`${START}b`, '{"address":"10.0.0.2"}');
    await world.clock.advance(100);

    expect(view.all().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(view.pick().instance.id).toBe('a');
  });

  test('takes amounts that cannot be for none', async () => {
    await world.real.put(KEY, '{"address":"a","weight":1e999,"load":-1,"port":70000}');
    await world.real.put('conclave/svc-admin/orders/a', '{"weight":1e999}');

    const [instance] = (await world.view()).all();

    expect(instance).toMatchObject({ weight: 1, load: 0 });
    expect(instance).not.toHaveProperty('port');
  });
});

describe('a registration', () => {
  test('whose key somebody writes nonsense over is registered anew', async () => {
    const registration = await world.registry().register(a);

    await world.real.put(KEY, 'nonsense');
    await world.clock.advance(5_000);

    expect(registration.state).toBe('registered');
    expect((await world.view()).get('a')).toMatchObject({ address: a.address });
    expect((await world.real.get(KEY))?.lease).not.toBe(0n);
  });

  test('is not refused for nonsense under its id, even where another registration would be a reason', async () => {
    await world.real.put(KEY, '[]');

    const registration = await world.registry().register(a, { onConflict: 'reject' });

    expect(registration.state).toBe('registered');
  });
});
