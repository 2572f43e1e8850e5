import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sleep } from '../../core/base/clock.js';
import { ClosedError, UnavailableError } from '../../core/base/errors.js';
import { settle } from '../../core/testing/manual-clock.js';
import { FaultyStore } from '../testing/faulty-store.js';
import { BlockableClock, openWorld, track, type World } from '../testing/world.js';
import { Session } from './session.js';
import { sessionTimes } from './session-times.js';

let world: World;

beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const renewalTimes = () => {
  const times: number[] = [];
  world.store.onCall = ({ method }) => {
    if (method === 'keepAlive') times.push(world.clock.now());
    return undefined;
  };
  return times;
};

/** Lets every renewal from now on go wrong in one way. */
const failRenewals = (fault: ReturnType<FaultyStore['onCall']>) => {
  world.store.onCall = ({ method }) => (method === 'keepAlive' ? fault : undefined);
};

const events = (session: Session) => {
  const seen: string[] = [];
  session.on('atRisk', () => seen.push('atRisk'));
  session.on('recovered', () => seen.push('recovered'));
  session.on('lost', (error) => seen.push(`lost: ${error.why}`));
  return seen;
};

test.each([
  [2_000, 1_300],
  [15_000, 13_000],
  [60_000, 53_500],
  [1_000, 500],
])('a lease of %d ms is safe for %d ms', (ttlMs, safeMs) => {
  expect(sessionTimes(ttlMs).safeMs).toBe(safeMs);
});

test('a session is renewed every third of its TTL and lives on', async () => {
  const times = renewalTimes();
  const session = await Session.open(world.store, { ttl: '15s' });

  await world.clock.advance(60_000);

  expect(times).toEqual([
    5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 45_000, 50_000, 55_000, 60_000,
  ]);
  expect(session.state).toBe('alive');
  session.assertAlive();
});

test('the deadline counts from the sending of a renewal, not from its acknowledgement', async () => {
  const session = await Session.open(world.store);
  expect(session.safeUntilMs).toBe(13_000);

  failRenewals({ kind: 'after', act: () => sleep(world.clock, 3_000) });
  await world.clock.advance(8_000);

  expect(session.safeUntilMs).toBe(5_000 + 13_000);
});

test.each([
  ['whose answer is slow', { kind: 'after', act: () => sleep(world.clock, 4_000) }],
  ['that is slow to arrive', { kind: 'before', act: () => sleep(world.clock, 4_000) }],
] as const)('the first deadline counts from the sending of a grant %s', async (_, fault) => {
  world.store.onCall = ({ method }) => (method === 'grantLease' ? fault : { kind: 'hang' });
  const opening = track(Session.open(world.store));
  await world.clock.advance(4_000);

  const session = opening.value as Session;
  expect(session.safeUntilMs).toBe(13_000);

  await world.clock.advance(9_000);
  expect(session.signal.reason).toMatchObject({ why: 'deadline' });
});

test('the first deadline counts from the first of the grants that were sent, if the answer to that was lost', async () => {
  world.store.onCall = ({ method, number }) => {
    if (number === 1) return { kind: 'loseReply' };
    return method === 'grantLease' ? { kind: 'before', act: () => sleep(world.clock, 4_000) } : undefined;
  };
  const opening = track(Session.open(world.store));
  await world.clock.advance(4_000);

  expect((opening.value as Session).safeUntilMs).toBe(13_000);
});

test.each(['hang', 'hangAfter', 'loseReply', 'loseRequest'] as const)(
  'the signal aborts before the store can end the lease, when renewals %s',
  async (kind) => {
    const session = await Session.open(world.store);
    await world.store.put('mine', '', { lease: session.lease });
    await world.clock.advance(6_000);
    let abortedMs = 0;
    session.signal.addEventListener('abort', () => (abortedMs = world.clock.now()));

    failRenewals({ kind });
    let goneMs = 0;
    for (let ms = 0; ms < 60_000 && goneMs === 0; ms += 250) {
      await world.clock.advance(250);
      if ((await world.keys()).length === 0) goneMs = world.clock.now();
    }

    expect(abortedMs).toBe(5_000 + 13_000);
    expect(goneMs - abortedMs).toBeGreaterThanOrEqual(2_000);
    expect(session.state).toBe('expired');
    expect(session.signal.reason).toMatchObject({ code: 'SESSION_LOST', why: 'deadline', lease: session.lease });
  },
);

test('a missed renewal is announced, retried within the deadline, and its success announced', async () => {
  const session = await Session.open(world.store);
  const seen = events(session);

  failRenewals({ kind: 'fail', error: new UnavailableError('away') });
  await world.clock.advance(12_000);
  expect(session.state).toBe('atRisk');
  expect(seen).toEqual(['atRisk']);

  const times = renewalTimes();
  await world.clock.advance(12_000);
  expect(seen).toEqual(['atRisk', 'recovered']);
  expect(session.state).toBe('alive');
  expect(times[0]).toBe(12_500);
});

test('a session that ends at its deadline tells why it was not renewed', async () => {
  const session = await Session.open(world.store);
  const cause = new UnavailableError('away');
  failRenewals({ kind: 'fail', error: cause });
  await world.clock.advance(13_000);
  expect(session.signal.reason).toMatchObject({ why: 'deadline', cause });
});

test('silence is a missed renewal, and an acknowledgement counts however late it comes', async () => {
  const session = await Session.open(world.store);
  const seen = events(session);

  failRenewals({ kind: 'after', act: () => sleep(world.clock, 4_000) });
  await world.clock.advance(6_250);
  expect(seen).toEqual(['atRisk']);
  await world.clock.advance(20_000);

  expect(seen.slice(0, 2)).toEqual(['atRisk', 'recovered']);
  expect(session.signal.aborted).toBe(false);
});

test('a lease that the store no longer has ends the session at its next renewal', async () => {
  const session = await Session.open(world.store);
  const seen = events(session);

  await world.inner.lease(session.lease).revoke();
  await world.clock.advance(5_000);

  expect(session.state).toBe('expired');
  expect(session.signal.reason).toMatchObject({ why: 'gone', cause: { code: 'LEASE_NOT_FOUND' } });
  await world.clock.advance(60_000);
  expect(seen).toEqual(['lost: gone']);
});

test('a store that was closed ends the session at its next renewal', async () => {
  const session = await Session.open(world.store);

  failRenewals({ kind: 'fail', error: new ClosedError() });
  await world.clock.advance(5_000);

  expect(session.signal.reason).toMatchObject({ why: 'storeClosed' });
});

test.each([
  [12_999, 'alive'],
  [13_000, 'expired'],
])('after the process was blocked for %d ms the session is %s, before any timer fired', async (blockedMs, state) => {
  const clock = new BlockableClock(world.clock);
  const session = await Session.open(new FaultyStore(world.inner, { clock }));
  const seen = events(session);

  clock.block(blockedMs);

  expect(session.state).toBe(state);
  expect(session.signal.aborted).toBe(state === 'expired');
  expect(seen).toEqual(state === 'expired' ? ['lost: deadline'] : []);
  if (state === 'expired')
    expect(() => session.assertAlive()).toThrow(expect.objectContaining({ code: 'SESSION_LOST' }));
  await session.close();
});

test('a renewal whose time has come after the deadline is not sent', async () => {
  const clock = new BlockableClock(world.clock);
  const store = new FaultyStore(world.inner, { clock });
  const session = await Session.open(store);

  clock.block(30_000);
  await world.clock.advance(5_000);

  expect(store.calls.map(({ method }) => method)).toEqual(['grantLease']);
  expect(session.signal.reason).toMatchObject({ why: 'deadline' });
});

test('closing aborts the signal, ends the lease at once, and is no loss', async () => {
  const session = await Session.open(world.store);
  const seen = events(session);
  await world.store.put('mine', '', { lease: session.lease });

  await Promise.all([session.close(), session.close()]);

  expect(session.state).toBe('closed');
  expect(session.signal.reason).toMatchObject({ why: 'closed' });
  expect(await world.keys()).toEqual([]);
  expect(seen).toEqual([]);
  expect(world.store.calls.filter(({ method }) => method === 'revoke')).toHaveLength(1);
});

test('closing tries to reach the store until the lease has run out, and then leaves it', async () => {
  const session = await Session.open(world.store);
  world.store.onCall = ({ method }) =>
    method === 'revoke' ? { kind: 'fail', error: new UnavailableError('away') } : undefined;

  const closing = track(session.close());
  await world.clock.advance(14_000);
  expect(closing.done).toBe(false);
  await world.clock.advance(1_000);

  expect(closing).toMatchObject({ done: true });
  expect(closing.error).toBeUndefined();
});

test('nothing of a closed session is left to the clock', async () => {
  const timersBefore = world.clock.timerCount;
  const session = await Session.open(world.store);
  await world.clock.advance(7_000);
  await session.close();
  await settle();
  expect(world.clock.timerCount).toBe(timersBefore);
});

test('a grant whose answer was lost is recognised', async () => {
  world.store.onCall = ({ number }) => (number === 1 ? { kind: 'loseReply' } : undefined);

  const session = await Session.open(world.store, { ttl: '20s' });

  expect(session.ttlMs).toBe(20_000);
  expect(await world.inner.leases()).toEqual([session.lease]);
});

test('opening gives up at the third lost answer', async () => {
  world.store.onCall = () => ({ kind: 'loseRequest' });
  await expect(Session.open(world.store)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  expect(world.store.calls).toHaveLength(3);
});

test('opening can be called off', async () => {
  world.store.onCall = () => ({ kind: 'hang' });
  const controller = new AbortController();
  const opening = track(Session.open(world.store, { signal: controller.signal }));

  controller.abort(new Error('enough'));
  await settle();

  expect(opening.error).toEqual(new Error('enough'));
});

test('a TTL of one second is the least', async () => {
  await expect(Session.open(world.store, { ttl: 999 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'ttl',
  });
  const session = await Session.open(world.store, { ttl: 1_000 });
  expect(session.ttlMs).toBeGreaterThanOrEqual(1_000);
});

test('a listener that throws harms neither the session nor other listeners', async () => {
  const session = await Session.open(world.store);
  session.on('lost', () => {
    throw new Error('bad listener');
  });
  const seen = events(session);

  await world.inner.lease(session.lease).revoke();
  await world.clock.advance(5_000);

  expect(seen).toEqual(['lost: gone']);
});
