import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { UnavailableError } from '../core/base/errors.js';
import { settle } from '../core/testing/manual-clock.js';
import { Janitor, LEFTOVERS_MAX } from './janitor.js';
import { Session } from './session/session.js';
import { openWorld, type World } from './testing/world.js';

let world: World;
let session: Session;
let janitor: Janitor;

beforeEach(async () => {
  world = await openWorld();
  session = await Session.open(world.store);
  janitor = new Janitor(world.store);
});
afterEach(() => world.close());

const leave = async (key: string) => (await world.inner.put(key, '', { lease: session.lease })).revision;
const away = () => {
  world.store.onCall = ({ method }) =>
    method === 'txn' ? { kind: 'fail', error: new UnavailableError('away') } : undefined;
};

test('a leftover is deleted, and a key created later under its name is not', async () => {
  const createRevision = await leave('one');
  janitor.sweep(session, { key: 'one', createRevision });
  janitor.sweep(session, { key: 'two', createRevision: (await leave('two')) - 1 });
  await janitor.settled();
  expect(await world.keys()).toEqual(['two']);
});

test('a delete is repeated until the store has confirmed it', async () => {
  const createRevision = await leave('one');
  away();
  janitor.sweep(session, { key: 'one', createRevision });
  await world.clock.advance(3_000);
  expect(await world.keys()).toEqual(['one']);
  expect(janitor.leftoverCount).toBe(1);

  world.store.onCall = () => undefined;
  await world.clock.advance(1_000);
  expect(await world.keys()).toEqual([]);
  expect(janitor.leftoverCount).toBe(0);
});

test('a key whose creation arrives after it was first looked for is deleted all the same', async () => {
  janitor.sweep(session, { key: 'late' });
  await world.clock.advance(8_000);
  await leave('late');
  await world.clock.advance(7_000);
  await janitor.settled();
  expect(await world.keys()).toEqual([]);
});

test('it gives up when the session ends, for the lease then takes the key with it', async () => {
  janitor.sweep(session, { key: 'one', createRevision: await leave('one') });
  away();
  await session.close();
  await janitor.settled();
  expect(await world.keys()).toEqual([]);
});

test('what a lost session left is tried for one more TTL', async () => {
  const createRevision = await leave('one');
  session.reportGone(new Error('gone'));
  away();
  janitor.sweep(session, { key: 'one', createRevision });
  await world.clock.advance(14_999);
  expect(janitor.leftoverCount).toBe(1);
  await world.clock.advance(1);
  expect(janitor.leftoverCount).toBe(0);
});

test('room is refused at a thousand leftovers and given below', async () => {
  world.store.onCall = ({ method }) => (method === 'txn' ? { kind: 'hang' } : undefined);
  for (let i = 1; i < LEFTOVERS_MAX; i += 1) janitor.sweep(session, { key: `k${i}`, createRevision: 1 });
  janitor.assertRoom();
  janitor.sweep(session, { key: 'last', createRevision: 1 });
  expect(() => janitor.assertRoom()).toThrow(expect.objectContaining({ code: 'TOO_MANY_REQUESTS' }));

  await session.close();
  await settle();
  janitor.assertRoom();
});
