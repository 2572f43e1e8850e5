import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { settle } from '../../core/testing/manual-clock.js';
import { openWorld, track, type World } from '../testing/world.js';
import { Session } from './session.js';
import { SessionKeeper } from './session-keeper.js';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const grantCount = () => world.store.calls.filter(({ method }) => method === 'grantLease').length;

test('nothing is asked of the store before a session is needed, and all share one', async () => {
  const keeper = new SessionKeeper(world.store, 'a lock', { ttl: '20s' });
  expect(grantCount()).toBe(0);

  const sessions = await Promise.all([keeper.current(), keeper.current(), keeper.current()]);

  expect(new Set(sessions).size).toBe(1);
  expect(sessions[0]?.ttlMs).toBe(20_000);
  expect(grantCount()).toBe(1);
});

test('a lost session is followed by one other, however many ask', async () => {
  const keeper = new SessionKeeper(world.store, 'a lock', {});
  const lost = await keeper.current();
  lost.reportGone(new Error('gone'));

  const sessions = await Promise.all([keeper.current(), keeper.current(), keeper.current()]);

  expect(new Set(sessions).size).toBe(1);
  expect(sessions[0]).not.toBe(lost);
  expect(grantCount()).toBe(2);
});

test('one caller who gives up does not disturb the others', async () => {
  world.store.onCall = () => ({ kind: 'before', act: () => settle() });
  const keeper = new SessionKeeper(world.store, 'a lock', {});
  const controller = new AbortController();
  const impatient = track(keeper.current(controller.signal));
  const patient = keeper.current();

  controller.abort(new Error('enough'));

  expect((await patient).state).toBe('alive');
  expect(impatient.error).toEqual(new Error('enough'));
});

test('an opening that failed is tried again by the next caller', async () => {
  world.store.onCall = ({ number }) => (number === 1 ? { kind: 'fail', error: new Error('refused') } : undefined);
  const keeper = new SessionKeeper(world.store, 'a lock', {});
  await expect(keeper.current()).rejects.toThrow('refused');
  expect((await keeper.current()).state).toBe('alive');
});

test('a session that was given is used, not closed, and never replaced', async () => {
  const session = await Session.open(world.store);
  const keeper = new SessionKeeper(world.store, 'a lock', { session });
  expect(await keeper.current()).toBe(session);

  await keeper.close();
  expect(session.state).toBe('alive');

  session.reportGone(new Error('gone'));
  await expect(new SessionKeeper(world.store, 'a lock', { session }).current()).rejects.toMatchObject({
    code: 'SESSION_LOST',
  });
});

test('closing ends the own session, also one that is being opened, and is final', async () => {
  const keeper = new SessionKeeper(world.store, 'a lock', {});
  const opening = keeper.current();
  await keeper.close();

  expect((await opening).state).toBe('closed');
  expect(await world.inner.leases()).toEqual([]);
  await expect(keeper.current()).rejects.toMatchObject({ code: 'CLOSED' });
});
