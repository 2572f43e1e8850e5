import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../base/clock.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { systemClock } from '../base/system-clock.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { put, remove, type Txn, version } from '../txn.js';
import { connectGrpc } from './grpc-store.js';
import { FaultyLink } from './testing/faulty-link.js';
import { failure, header, putAnswer, rangeAnswer, SILENT } from './testing/scripted-server.js';
import { after, connect, connectByHand, serve } from './testing/stores.js';

/** A clock that only pauses move, and at once; deadlines never come. */
function clockWithoutPauses(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      if (delayMs >= 1_000) return { cancel() {} };
      const turn = setImmediate(() => {
        nowMs += delayMs;
        callback();
      });
      return { cancel: () => clearImmediate(turn) };
    },
    soon: systemClock.soon,
  };
}

/** A logger, and a promise for the first message of this text. */
function noticing(text: string): [Logger, Promise<void>] {
  let notice = () => {};
  const noticed = new Promise<void>((resolve) => (notice = resolve));
  const listen = (_fields: object, message: string) => message === text && notice();
  return [{ ...silentLogger, debug: listen }, noticed];
}

const unavailable = () => failure(status.UNAVAILABLE, 'etcdserver: request timed out');

describe('a write that came too fast', () => {
  const tooFast = (ms: number) =>
    failure(status.RESOURCE_EXHAUSTED, `too many writes under "jobs/": 5 a second are taken; try again in ${ms} ms`);

  test('is made again at the same endpoint after the time that was told, for nothing was done', async () => {
    let left = 3;
    const server = await serve({ put: () => (left-- > 0 ? tooFast(700) : putAnswer(7)) });
    const other = await serve({ put: () => putAnswer(9) });
    const clock = clockWithoutPauses();
    const store = await connect([server, other], { clock });

    expect((await store.put('jobs/1', 'a')).revision).toBe(7);
    expect(server.count('put')).toBe(4);
    expect(other.count('put')).toBe(0);
    expect(clock.now()).toBeGreaterThanOrEqual(3 * 700);
  });

  test('is given up, as what it is, where the time is past the deadline', async () => {
    const server = await serve({ put: () => tooFast(30_000) });
    const store = await connect([server]);

    const error = await failsWith('RATE_LIMITED', () => store.put('jobs/1', 'a'));

    expect(error).toMatchObject({ prefix: 'jobs/', perSecond: 5, of: 'writes', retryAfterMs: 30_000, retry: 'safe' });
    expect(server.count('put')).toBe(1);
  });
});

describe('a read', () => {
  test('is repeated while the server cannot answer', async () => {
    let left = 3;
    const server = await serve({ range: () => (left-- > 0 ? unavailable() : rangeAnswer(7)) });
    const store = await connect([server]);

    expect((await store.range('a')).revision).toBe(7);
    expect(server.count('range')).toBe(4);
  });

  test('is repeated at most retriesMax times, and then says why it failed', async () => {
    const server = await serve({ range: unavailable });
    const store = await connect([server], { retriesMax: 2 });

    const error = await failsWith('UNAVAILABLE', () => store.range('a'));

    expect(server.count('range')).toBe(3);
    expect(error.message).toContain('etcdserver: request timed out');
    expect(error).toMatchObject({ retry: 'safe' });
  });

  test('is not repeated at all if retriesMax is 0', async () => {
    const server = await serve({ range: unavailable });
    const store = await connect([server], { retriesMax: 0 });

    await failsWith('UNAVAILABLE', () => store.range('a'));

    expect(server.count('range')).toBe(1);
  });

  test('is not repeated once retryTimeoutMs has passed', async () => {
    const server = await serve({ range: unavailable });
    const options = { clock: clockWithoutPauses(), backoffMs: 100, retryTimeoutMs: 300, suspectMs: 1_000 };
    const store = await connect([server], options);

    await failsWith('UNAVAILABLE', () => store.range('a'));

    // After pauses of 50, 100 and 200 ms.
    expect(server.count('range')).toBe(4);
  });

  test('that found no leader to the end says which endpoint knows none', async () => {
    const server = await serve({ range: () => failure(status.UNAVAILABLE, 'etcdserver: no leader') });
    const endpoint = `127.0.0.1:${server.port}`;
    const store = await connect([server], { retriesMax: 1 });

    const error = await failsWith('NO_LEADER', () => store.get('a'));

    expect(error).toMatchObject({ endpoint, message: `the member at ${endpoint} knows no leader at present` });
  });

  test('is repeated on another endpoint if this one has no leader', async () => {
    const lonely = await serve({ range: () => failure(status.UNAVAILABLE, 'etcdserver: no leader') });
    const healthy = await serve({ range: () => rangeAnswer(5) });
    const store = await connect([lonely, healthy]);

    await store.range('a');
    await store.range('a');

    expect([lonely.count('range'), healthy.count('range')]).toEqual([1, 2]);
  });

  test('that the server refuses is not repeated', async () => {
    const server = await serve({ range: () => failure(status.PERMISSION_DENIED, 'etcdserver: permission denied') });
    const store = await connect([server]);

    const error = await failsWith('PERMISSION_DENIED', () => store.range('a'));

    expect(error.message).toContain('permission denied');
    expect(server.count('range')).toBe(1);
  });

  test('rejects with the reason as soon as its signal aborts', async () => {
    const server = await serve({ range: () => SILENT });
    const [store, clock] = await connectByHand(server);
    const stop = new AbortController();
    const reading = store.range('a', { signal: stop.signal });
    await server.received('range');
    const reason = new Error('enough');

    stop.abort(reason);

    await expect(reading).rejects.toBe(reason);
    expect(clock.timerCount).toBe(0);
  });

  test('rejects with the reason of its signal while it waits to be repeated', async () => {
    const server = await serve({ range: unavailable });
    const [store] = await connectByHand(server);
    const stop = new AbortController();
    const reading = store.range('a', { signal: stop.signal });
    await server.received('range');
    await new Promise((resolve) => setTimeout(resolve, 20));

    stop.abort('a text as the reason');

    await expect(reading).rejects.toBe('a text as the reason');
  });

  test('fails as closed if the store closes meanwhile', async () => {
    const server = await serve({ range: () => SILENT });
    const [store] = await connectByHand(server);
    const reading = store.range('a');
    await server.received('range');

    await store.close();

    await failsWith('CLOSED', () => reading);
    await failsWith('CLOSED', () => store.range('a'));
  });
});

describe('a write', () => {
  test('whose answer is lost with the connection has an unknown outcome and is not repeated', async () => {
    const server = await serve({ put: () => SILENT });
    const store = await connect([server]);
    const writing = store.put('a', '1');
    await server.received('put');

    server.dropConnections();

    const error = await failsWith('OUTCOME_UNKNOWN', () => writing);
    expect(error).toMatchObject({ retry: 'if-idempotent' });
    expect(server.count('put')).toBe(1);
  });

  test('whose answer does not come in requestTimeoutMs has an unknown outcome', async () => {
    const server = await serve({ put: () => SILENT });
    const [store, clock] = await connectByHand(server, { requestTimeoutMs: 5_000 });
    const writing = store.put('a', '1');
    const failing = failsWith('OUTCOME_UNKNOWN', () => writing);
    await server.received('put');

    await clock.advance(5_000);

    await failing;
    expect(server.count('put')).toBe(1);
  });

  test.each([
    [status.UNAVAILABLE, 'etcdserver: request timed out'],
    [status.UNAVAILABLE, 'etcdserver: request timed out, possibly due to previous leader failure'],
    [status.UNAVAILABLE, 'etcdserver: server stopped'],
    [status.UNKNOWN, 'context deadline exceeded'],
    [status.DEADLINE_EXCEEDED, 'context deadline exceeded'],
    [status.INTERNAL, 'something broke'],
    [status.RESOURCE_EXHAUSTED, 'Bandwidth exhausted or memory limit exceeded'],
  ])('that is answered with %d %s has an unknown outcome and is not repeated', async (code, text) => {
    const server = await serve({ put: () => failure(code, text) });
    const store = await connect([server]);

    const error = await failsWith('OUTCOME_UNKNOWN', () => store.put('a', '1'));

    expect((error.cause as Error).message).toContain(text);
    expect(server.count('put')).toBe(1);
  });

  test.each([
    [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', 'NO_SPACE'],
    [status.INVALID_ARGUMENT, 'etcdserver: key is not provided', 'EMPTY_KEY'],
    [status.NOT_FOUND, 'etcdserver: requested lease not found', 'LEASE_NOT_FOUND'],
    [status.INVALID_ARGUMENT, 'etcdserver: request is too large', 'REQUEST_TOO_LARGE'],
    [status.RESOURCE_EXHAUSTED, 'grpc: received message larger than max (2097153 vs. 2097152)', 'REQUEST_TOO_LARGE'],
  ])('that is answered with %d %s was not carried out: %s', async (code, text, expected) => {
    const server = await serve({ put: () => failure(code, text) });
    const store = await connect([server]);

    await failsWith(expected, () => store.put('a', '1', { lease: 5n }));

    expect(server.count('put')).toBe(1);
  });

  test.each([
    [status.UNAVAILABLE, 'etcdserver: no leader', 'NO_LEADER'],
    [status.UNKNOWN, 'etcdserver: too many requests', 'TOO_MANY_REQUESTS'],
    [status.UNAVAILABLE, 'etcdserver: rpc not supported for learner', 'UNAVAILABLE'],
    [status.FAILED_PRECONDITION, 'etcdserver: rpc not supported for learner', 'UNAVAILABLE'],
  ])('that is answered with %d %s did nothing and is repeated, at last as %s', async (code, text, expected) => {
    let left = 2;
    const server = await serve({ put: () => (left-- > 0 ? failure(code, text) : putAnswer(9)) });
    const store = await connect([server], { retriesMax: 2 });

    expect(await store.put('a', '1')).toEqual({ revision: 9 });
    expect(server.count('put')).toBe(3);

    left = 3;
    const error = await failsWith(expected, () => store.put('a', '1'));
    expect(error).toMatchObject({ retry: 'safe' });
    expect(server.count('put')).toBe(6);
  });

  test('whose answer was lost at the last attempt has an unknown outcome, though nothing was done before', async () => {
    const answers = [
      failure(status.UNAVAILABLE, 'etcdserver: no leader'),
      failure(status.UNAVAILABLE, 'etcdserver: request timed out'),
    ];
    const server = await serve({ put: () => answers.shift() as ReturnType<typeof failure> });
    const store = await connect([server], { retriesMax: 1 });

    const error = await failsWith('OUTCOME_UNKNOWN', () => store.put('a', '1'));

    expect((error.cause as Error).message).toContain('request timed out');
    expect(server.count('put')).toBe(2);
  });

  test('that found no leader goes to another endpoint; one whose answer was lost there has an unknown outcome', async () => {
    const lonely = await serve({ put: () => failure(status.UNAVAILABLE, 'etcdserver: no leader') });
    const failing = await serve({ put: () => failure(status.UNAVAILABLE, 'etcdserver: request timed out') });
    const healthy = await serve({ put: () => putAnswer(9) });
    const store = await connect([lonely, failing, healthy]);

    const error = await failsWith('OUTCOME_UNKNOWN', () => store.put('a', '1'));

    expect((error.cause as Error).message).toContain(`127.0.0.1:${failing.port}`);
    expect([lonely, failing, healthy].map((server) => server.count('put'))).toEqual([1, 1, 0]);
    // And the next one goes on to the third.
    expect(await store.put('a', '2')).toEqual({ revision: 9 });
  });

  test('that was handed to a leader which fell is given up abandonedWriteMs after another one serves', async () => {
    const server = await serve({ put: () => SILENT, range: () => rangeAnswer(7) });
    const [store, clock] = await connectByHand(server, { abandonedWriteMs: 1_000, requestTimeoutMs: 5_000 });
    await store.range('a');
    const writing = store.put('a', '1');
    let isOver = false;
    const failing = failsWith('OUTCOME_UNKNOWN', () => writing).finally(() => (isOver = true));
    await server.received('put');

    // An answer of the same term says nothing.
    await store.range('a');
    await clock.advance(2_000);
    expect(isOver).toBe(false);
    server.script.range = () => ({ ...rangeAnswer(7), header: { ...header(7), raftTerm: 4 } });
    await store.range('a');
    await clock.advance(999);
    expect(isOver).toBe(false);
    await clock.advance(1);

    expect(((await failing).cause as Error).message).toContain('the leader changed');
    expect(server.count('put')).toBe(1);
  });

  test('is sent once an endpoint can be reached again', async () => {
    const server = await serve({ put: () => putAnswer(9) });
    const [logger, noticed] = noticing('endpoint failed');
    const store = await connect([server], { logger });
    server.dropConnections();
    await noticed;

    expect(await store.put('a', '1')).toEqual({ revision: 9 });
    expect(server.count('put')).toBe(1);
  });

  test('that could not be sent fails as unavailable, which is safe to repeat', async () => {
    const link = await FaultyLink.open(await serve());
    const [logger, noticed] = noticing('endpoint failed');
    const store = await connect([link], { dialTimeoutMs: 500, logger });
    await link.refuse();
    await noticed;

    const error = await failsWith('UNAVAILABLE', () => store.put('a', '1'));

    expect(error).toMatchObject({ retry: 'safe' });
  });

  test('under way when the store closes has an unknown outcome', async () => {
    const server = await serve({ put: () => SILENT });
    const [store] = await connectByHand(server);
    const writing = store.put('a', '1');
    await server.received('put');

    await store.close();

    await failsWith('OUTCOME_UNKNOWN', () => writing);
  });
});

describe('a compaction', () => {
  const lost = () => failure(status.UNAVAILABLE, 'etcdserver: request timed out');
  const compacted = () => failure(status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted');

  test('is asked again when its answer is lost; that the revision is compacted is what was wanted', async () => {
    let count = 0;
    const server = await serve({ compact: () => ((count += 1) === 1 ? lost() : compacted()) });
    const store = await connect([server]);

    await store.compact(5);

    expect(count).toBe(2);
  });

  test('of what is compacted fails, if that is said at once', async () => {
    const server = await serve({ compact: compacted });
    const store = await connect([server], { requestTimeoutMs: 50 });

    await failsWith('COMPACTED', () => store.compact(5));

    expect(server.count('compact')).toBe(1);
  });

  test('that is never answered has an unknown outcome', async () => {
    const server = await serve({ compact: lost });
    const store = await connect([server], { retriesMax: 1 });

    await failsWith('OUTCOME_UNKNOWN', () => store.compact(5));

    expect(server.count('compact')).toBe(2);
  });

  test('that is to free the space is not asked again: a second answer would not tell that it is free', async () => {
    const server = await serve({ compact: lost });
    const store = await connect([server]);

    await failsWith('OUTCOME_UNKNOWN', () => store.compact(5, { physical: true }));

    expect(server.count('compact')).toBe(1);
  });
});

describe('a transaction', () => {
  const lost = () => failure(status.UNAVAILABLE, 'etcdserver: request timed out');

  test('that changes nothing in either branch is repeated as a read is', async () => {
    let count = 0;
    const answer = { header: header(7), succeeded: true, responses: [] };
    const server = await serve({ txn: () => ((count += 1) === 1 ? lost() : answer) });
    const store = await connect([server]);

    expect(await store.txn().when(version('a').equals(1)).commit()).toMatchObject({ revision: 7 });
  });

  test.each([
    ['in the one', (txn: Txn) => txn.do(put('a', '1'))],
    ['in the other', (txn: Txn) => txn.otherwise(remove('a'))],
    ['in a nested one', (txn: Txn) => txn.do({ type: 'txn', compares: [], success: [], failure: [put('a', '1')] })],
  ])('that may change something %s branch is not', async (_, fill) => {
    const server = await serve({ txn: lost });
    const store = await connect([server]);

    await failsWith('OUTCOME_UNKNOWN', () => fill(store.txn().when(version('a').equals(1))).commit());

    expect(server.count('txn')).toBe(1);
  });
});

describe('calls under way', () => {
  test('are at most pendingCallsMax; one more is refused', async () => {
    const server = await serve({ range: () => SILENT });
    const [store] = await connectByHand(server, { pendingCallsMax: 2 });
    const pending = [store.range('a'), store.range('a')].map((call) => failsWith('CLOSED', () => call));

    await failsWith('TOO_MANY_REQUESTS', () => store.range('a'));

    await server.received('range', 2);
    await store.close();
    await Promise.all(pending);
  });

  test('a slow one does not end the connection while others are answered', async () => {
    let isFirst = true;
    const server = await serve({
      put: () => putAnswer(2),
      range: () => {
        if (!isFirst) return rangeAnswer(3);
        isFirst = false;
        return SILENT;
      },
    });
    const link = await FaultyLink.open(server);
    after(() => link.close());
    const [store, clock] = await connectByHand(link, { requestTimeoutMs: 1_000 });
    const reading = store.range('a');
    await server.received('range');
    await clock.advance(500);
    await store.put('a', '1');

    const answered = server.received('range', 2);
    await clock.advance(600);
    await answered;

    expect((await reading).revision).toBe(3);
    expect(link.connectionCount).toBe(1);
  });
});

describe('arguments', () => {
  test('that the wire cannot carry are refused by name before anything is sent', async () => {
    const server = await serve();
    const store = await connect([server]);

    for (const call of [
      () => store.range('a', { limit: 1.5 }),
      () => store.range('a', { revision: -1 }),
      () => store.range('a', { minModRevision: 2 ** 53 }),
      () => store.put('a', '1', { lease: 2n ** 63n }),
      () => store.put(undefined as never, '1'),
      () => store.put('a', 5 as never),
      () => store.put('a', '1', { lease: 5 as never }),
      () => store.delete(null as never),
      () => store.range('a', { sortTarget: 'size' as never }),
      () => store.compact(Number.NaN),
      () => store.watch('a', { from: -1 }).created,
      () => store.grantLease(-1),
    ]) {
      await failsWith('INVALID_ARGUMENT', async () => call());
    }
    expect(server.counts.size).toBe(0);
  });

  test('a setting out of its range is refused by name', async () => {
    await failsWith('INVALID_ARGUMENT', () => connectGrpc([{ host: '127.0.0.1', port: 1 }], { retriesMax: -1 }));
    await failsWith('INVALID_ARGUMENT', () => connectGrpc([{ host: '127.0.0.1', port: 1 }], { requestTimeoutMs: 0 }));
    await failsWith('INVALID_ARGUMENT', () => connectGrpc([]));
  });
});
