import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { Store } from '../store.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { ManualClock } from '../testing/manual-clock.js';
import { next } from './testing/desk-stores.js';
import { FaultyLink } from './testing/faulty-link.js';
import { failure, header, putAnswer, rangeAnswer, type Script, SILENT } from './testing/scripted-server.js';
import { after, connect, eventually, serve } from './testing/stores.js';
import { WatchDesk } from './testing/watch-desk.js';

/** What the promise in the charter is measured against: "left within a second". */
const WITHIN_MS = 1_000;

/** Suspicion at a tenth of the time it takes by default. */
const QUICK = { suspectMs: 30, secondOpinionMs: 20 };

/** A server that answers everything with its own revision, so that an answer tells who gave it. */
function answering(revision: number): Script {
  return {
    range: () => rangeAnswer(revision),
    put: () => putAnswer(revision),
    leaseTimeToLive: ({ ID }) => ({ header: header(revision), ID, TTL: 9n, grantedTTL: 10n, keys: [] }),
    keepAlive: (wire) => {
      wire.on('data', ({ ID }: { ID: bigint }) => wire.write({ header: header(revision), ID, TTL: 10n }));
      wire.on('end', () => wire.end());
    },
  };
}

async function linked(script: Script): Promise<FaultyLink> {
  const link = await FaultyLink.open(await serve(script));
  after(() => link.close());
  return link;
}

async function timed<T>(work: Promise<T>): Promise<[T, number]> {
  const startedMs = performance.now();
  return [await work, performance.now() - startedMs];
}

describe('an endpoint is left within a second for another that serves, if it', () => {
  const faults: Record<string, (link: FaultyLink) => unknown> = {
    'refuses connections': (link) => link.refuse(),
    'resets connections, and those to come': (link) => {
      link.cut();
      link.freeze();
    },
    'swallows every byte': (link) => link.freeze(),
  };
  for (const [fault, strike] of Object.entries(faults)) {
    test.each<[string, (store: Store) => Promise<unknown>]>([
      ['reads', async (store) => expect((await store.range('a')).revision).toBe(2)],
      ['renewals', (store) => store.lease(1n).keepAlive()],
      ['times to live', async (store) => expect((await store.lease(1n).timeToLive()).remainingTtlSeconds).toBe(9)],
      ['transactions that only read', async (store) => store.txn().commit()],
    ])(`${fault}: %s are answered there`, async (what, call) => {
      const sick = await linked(answering(1));
      const well = await serve({ ...answering(2), txn: () => ({ ...putAnswer(2), succeeded: true, responses: [] }) });
      const store = await connect([sick, well]);
      await store.range('a');
      if (what === 'renewals') await store.lease(1n).keepAlive();

      await strike(sick);

      const [, tookMs] = await timed(call(store));
      expect(tookMs).toBeLessThan(WITHIN_MS);
      expect(await store.put('a', '1')).toEqual({ revision: 2 });
    });
  }

  test('does not take up connections, though its kernel does', async () => {
    const mute = await linked(answering(1));
    mute.freeze();
    const well = await serve(answering(2));

    const [store, tookMs] = await timed(connect([mute, well]));

    expect((await store.range('a')).revision).toBe(2);
    expect(tookMs).toBeLessThan(WITHIN_MS);
  });

  test.each([
    ['etcdserver: no leader', 'put'],
    ['etcdserver: rpc not supported for learner', 'put'],
    ['etcdserver: no leader', 'range'],
    ['etcdserver: request timed out', 'range'],
    ['upstream connect error', 'range'],
  ] as const)('answers UNAVAILABLE: %s, to a %s', async (text, method) => {
    const sick = await serve({ [method]: () => failure(status.UNAVAILABLE, text) });
    const well = await serve(answering(2));
    const store = await connect([sick, well]);

    const answer = await (method === 'put' ? store.put('a', '1') : store.range('a'));

    expect(answer.revision).toBe(2);
    await store.range('a');
    expect(sick.count(method)).toBe(1);
  });

  test('is cut off from its leader: it answers what it knows itself, but not what it must ask', async () => {
    const cutOff = await serve({ ...answering(1), range: () => SILENT, put: () => SILENT });
    const well = await serve(answering(2));
    const store = await connect([cutOff, well]);

    const [, tookMs] = await timed(store.range('a'));

    expect(tookMs).toBeLessThan(WITHIN_MS);
  });
});

describe('an endpoint in use is kept', () => {
  test('if others are as slow', async () => {
    const slow = (revision: number): Script => ({
      ...answering(revision),
      range: () => later(rangeAnswer(revision), 150),
    });
    const [first, second] = [await serve(slow(1)), await serve(slow(2))];
    const store = await connect([first, second], QUICK);

    for (let i = 0; i < 3; i += 1) expect((await store.range('a')).revision).toBe(1);

    expect(first.count('range')).toBeGreaterThan(second.count('range'));
  });

  test('if one call is slow, while it answers others', async () => {
    let calls = 0;
    const busy = await serve({
      ...answering(1),
      range: () => ((calls += 1) === 1 ? later(rangeAnswer(1), 300) : rangeAnswer(1)),
    });
    const other = await serve(answering(2));
    const store = await connect([busy, other], QUICK);

    expect((await store.range('large')).revision).toBe(1);

    expect((await store.range('a')).revision).toBe(1);
    // The two reads, and one question in all that time.
    expect(calls).toBe(3);
  });

  test('if nobody answers, as while a leader is elected', async () => {
    const [first, second] = [await serve({ range: () => SILENT }), await serve({ range: () => SILENT })];
    const store = await connect([first, second], QUICK);
    const reading = store.range('a');
    await second.received('range');

    first.script.range = () => rangeAnswer(1);
    second.script.range = () => rangeAnswer(2);
    await second.received('range');

    // The first read was swallowed; the second one is answered where it was sent.
    expect((await store.range('a')).revision).toBe(1);
    await store.close();
    await failsWith('CLOSED', () => reading);
  });

  test('if there is no other', async () => {
    const only = await linked(answering(1));
    const store = await connect([only], QUICK);
    await store.range('a');
    only.freeze();
    const reading = store.range('a');

    await new Promise((resolve) => setTimeout(resolve, 200));
    only.thaw();

    expect((await reading).revision).toBe(1);
    expect(only.connectionCount).toBe(1);
  });
});

describe('a write on an endpoint that goes silent', () => {
  test('is never sent elsewhere; its outcome is unknown soon after the endpoint was left', async () => {
    const sick = await linked(answering(1));
    const well = await serve(answering(2));
    const store = await connect([sick, well]);
    await store.range('a');
    sick.freeze();

    const [error, tookMs] = await timed(failsWith('OUTCOME_UNKNOWN', () => store.put('a', '1')));

    expect((error.cause as Error).message).toContain(`127.0.0.1:${sick.port}`);
    expect((error.cause as Error).message).toContain(`127.0.0.1:${well.port}`);
    expect(tookMs).toBeLessThan(2_000);
    expect(well.count('put')).toBe(0);
    expect(await store.put('a', '2')).toEqual({ revision: 2 });
  });

  test('is still answered if the endpoint wakes in time', async () => {
    const sick = await linked(answering(1));
    const well = await serve(answering(2));
    const store = await connect([sick, well]);
    await store.range('a');
    sick.freeze();
    const writing = store.put('a', '1');
    expect((await store.range('a')).revision).toBe(2);

    sick.thaw();

    expect(await writing).toEqual({ revision: 1 });
    expect(well.count('put')).toBe(0);
  });

  test('whose reply is lost has happened once', async () => {
    const puts: string[] = [];
    const server = await serve({
      range: () => rangeAnswer(1),
      put: ({ value }) => {
        puts.push(value.toString());
        server.dropConnections();
        return putAnswer(1);
      },
    });
    const other = await serve({ put: ({ value }) => (puts.push(value.toString()), putAnswer(2)) });
    const store = await connect([server, other]);

    await failsWith('OUTCOME_UNKNOWN', () => store.put('a', 'first'));
    await store.put('a', 'second');

    expect(puts).toEqual(['first', 'second']);
  });
});

describe('a member that says goodbye', () => {
  test('still answers the writes that it has taken', async () => {
    const answer: { put?: () => void } = {};
    const leaving = await serve({ put: () => new Promise((resolve) => (answer.put = () => resolve(putAnswer(1)))) });
    const other = await serve(answering(2));
    let goodbyes = 0;
    const debug = (_: object, text: string) => void (text === 'endpoint failed' && (goodbyes += 1));
    const store = await connect([leaving, other], { logger: { ...silentLogger, debug } });
    const writing = store.put('a', '1');
    await leaving.received('put');

    leaving.sayGoodbye();
    await eventually(() => goodbyes > 0);
    expect(await store.put('a', '2')).toEqual({ revision: 2 });
    answer.put!();

    expect(await writing).toEqual({ revision: 1 });
  });
});

describe('a watch alone', () => {
  test('notices within two seconds that its endpoint swallows every byte, though nothing is asked', async () => {
    const [sickDesk, wellDesk] = [new WatchDesk(), new WatchDesk()];
    const sick = await linked({ ...answering(1), watch: sickDesk.accept });
    const well = await serve({ ...answering(2), watch: wellDesk.accept });
    const store = await connect([sick, well]);
    const watch = store.watch('a', { from: 5 });
    (await sickDesk.creation()).created(9).events([5]);
    await next(watch);

    sick.freeze();
    const [resumed, tookMs] = await timed(wellDesk.creation());
    resumed.created(3).events([6]);

    expect(resumed.request.startRevision).toBe(6n);
    expect((await next(watch)).value).toMatchObject({ revision: 6 });
    expect(tookMs).toBeLessThan(2_000);
  });

  test('moves with the calls when they leave an endpoint that has no leader', async () => {
    const [sickDesk, wellDesk] = [new WatchDesk(), new WatchDesk()];
    const sick = await serve({
      range: () => failure(status.UNAVAILABLE, 'etcdserver: no leader'),
      watch: sickDesk.accept,
    });
    const well = await serve({ ...answering(2), watch: wellDesk.accept });
    const store = await connect([sick, well]);
    const watch = store.watch('a', { from: 5 });
    (await sickDesk.creation()).created(9).events([5]);
    await next(watch);

    await store.range('a');

    expect((await wellDesk.creation()).request.startRevision).toBe(6n);
  });

  test('asks nobody else while its endpoint answers its questions', async () => {
    const desk = new WatchDesk();
    const quiet = await serve({ ...answering(1), watch: desk.accept });
    const other = await serve(answering(2));
    const clock = new ManualClock();
    const store = await connect([quiet, other], { clock });
    const watch = store.watch('a', { from: 5 });
    (await desk.creation()).created(9);
    await watch.created;

    for (let i = 0; i < 5; i += 1) {
      await clock.advance(1_000);
      (await desk.creation()).refused('mvcc: watcher range is empty');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }

    expect(quiet.count('range') + other.count('range')).toBe(0);
    expect(desk.streamCount).toBe(1);
  });
});

describe('clients of a member that fails', () => {
  test('spread over all the others', async () => {
    const sick = await linked(answering(0));
    const others = [await serve(answering(1)), await serve(answering(2)), await serve(answering(3))];
    let noticed = 0;
    const debug = (_: object, text: string) => void (text === 'endpoint failed' && (noticed += 1));
    const logger = { ...silentLogger, debug };
    const stores = await Promise.all(
      Array.from({ length: 12 }, (_, i) => {
        let isFirst = true;
        const prng = { next: () => (isFirst ? ((isFirst = false), 0) : (i % 12) / 12) };
        return connect([sick, ...others], { prng, logger, backoffMs: 1_000 });
      }),
    );
    await sick.refuse();
    await eventually(() => noticed === 12);

    const answers = await Promise.all(stores.map((store) => store.range('a')));

    for (const revision of [1, 2, 3]) {
      expect(answers.filter((answer) => answer.revision === revision)).toHaveLength(4);
    }
  });
});

test('an endpoint that has healed is used again when the others fail', async () => {
  const [first, second] = [await linked(answering(1)), await linked(answering(2))];
  const store = await connect([first, second]);
  await store.range('a');
  first.freeze();
  expect((await store.range('a')).revision).toBe(2);
  first.thaw();
  second.freeze();

  const [{ revision }, tookMs] = await timed(store.range('a'));

  expect(revision).toBe(1);
  expect(tookMs).toBeLessThan(WITHIN_MS);
});

function later<T>(answer: T, delayMs: number): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(answer), delayMs));
}
