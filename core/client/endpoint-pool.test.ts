import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { ManualClock } from '../testing/manual-clock.js';
import { connectGrpc } from './grpc-store.js';
import { FaultyLink } from './testing/faulty-link.js';
import { rangeAnswer, type ScriptedServer, SILENT } from './testing/scripted-server.js';
import { after, connect, eventually, serve } from './testing/stores.js';

const links: FaultyLink[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
});

/** A server that answers, behind a link that can fail. */
async function linked(revision: number): Promise<[FaultyLink, ScriptedServer]> {
  const server = await serve({ range: () => rangeAnswer(revision) });
  const link = await FaultyLink.open(server);
  links.push(link);
  return [link, server];
}

describe('endpoints', () => {
  test('an endpoint that refuses connections is passed over', async () => {
    const [dead] = await linked(1);
    const [alive] = await linked(2);
    await dead.refuse();

    const store = await connect([dead, alive]);

    expect((await store.range('a')).revision).toBe(2);
  });

  test('the endpoint in use is kept as long as it answers', async () => {
    const [first] = await linked(1);
    const [second] = await linked(2);
    const store = await connect([first, second]);

    for (let i = 0; i < 5; i += 1) expect((await store.range('a')).revision).toBe(1);

    expect([first.connectionCount, second.connectionCount]).toEqual([1, 0]);
  });

  test('a broken connection is replaced by one to the next endpoint, and the read is answered there', async () => {
    const [first] = await linked(1);
    const [second] = await linked(2);
    const store = await connect([first, second]);
    await store.range('a');

    await first.refuse();

    expect((await store.range('a')).revision).toBe(2);
  });

  test('an endpoint that came back is used again when the other fails', async () => {
    const [first] = await linked(1);
    const [second] = await linked(2);
    const store = await connect([first, second]);
    await first.refuse();
    expect((await store.range('a')).revision).toBe(2);

    await first.accept();
    await second.refuse();

    expect((await store.range('a')).revision).toBe(1);
  });

  test('a single endpoint that restarts is found again', async () => {
    const [link] = await linked(1);
    const store = await connect([link]);
    await link.refuse();
    const reading = store.range('a');
    await link.accept();

    expect((await reading).revision).toBe(1);
  });

  test('clients begin at the endpoint that chance picks', async () => {
    const [first] = await linked(1);
    const [second] = await linked(2);

    const store = await connect([first, second], { prng: { next: () => 0.5 } });

    expect((await store.range('a')).revision).toBe(2);
  });

  test('a connection that went silent is left after requestTimeoutMs, for reads and for writes to come', async () => {
    const [first] = await linked(1);
    const [second] = await linked(2);
    const clock = new ManualClock();
    const store = await connect([first, second], { clock, requestTimeoutMs: 5_000 });
    await store.range('a');
    first.freeze();
    const reading = store.range('a');

    await clock.advance(5_000);
    await clock.advance(100);

    expect((await reading).revision).toBe(2);
    expect((await store.range('a')).revision).toBe(2);
  });

  test('an endpoint that accepts connections and says nothing is left after connectTimeoutMs', async () => {
    const [mute] = await linked(1);
    const [alive] = await linked(2);
    mute.freeze();
    const clock = new ManualClock();
    const connecting = connect([mute, alive], { clock, connectTimeoutMs: 2_000 });
    await eventually(() => mute.connectionCount === 1);

    await clock.advance(2_000);

    expect((await (await connecting).range('a')).revision).toBe(2);
  });
});

describe('when no endpoint can be reached', () => {
  test('connecting fails after dialTimeoutMs, naming them and the reason', async () => {
    const [dead] = await linked(1);
    await dead.refuse();

    const error = await failsWith('UNAVAILABLE', () => connectGrpc([dead], { dialTimeoutMs: 200 }));

    expect(error.message).toContain(`127.0.0.1:${dead.port}`);
    expect((error.cause as Error).message).toContain('ECONNREFUSED');
  });

  test('attempts come at growing distances', async () => {
    const [dead] = await linked(1);
    await dead.refuse();
    const clock = new ManualClock();
    const delays: number[] = [];
    const watching = {
      now: () => clock.now(),
      after: (delayMs: number, callback: () => void) => {
        if (delayMs < 1_000) delays.push(delayMs);
        return clock.after(delayMs, callback);
      },
      soon: (callback: () => void) => clock.soon(callback),
    };
    const connecting = failsWith('UNAVAILABLE', () =>
      connectGrpc([dead], {
        clock: watching,
        prng: { next: () => 0 },
        backoffMs: 40,
        backoffMaxMs: 200,
        dialTimeoutMs: 400,
        connectTimeoutMs: 1_000,
      }),
    );
    let isOver = false;
    void connecting.then(() => (isOver = true));
    while (!isOver) {
      const paused = delays.length;
      await clock.advance(delays.at(-1) ?? 0);
      await eventually(() => isOver || delays.length > paused);
    }

    expect(delays).toEqual([20, 40, 80, 100, 100, 60]);
  });

  test('the one that failed less is tried first', async () => {
    const [dead] = await linked(1);
    const [flaky] = await linked(2);
    await dead.refuse();
    const clock = new ManualClock();
    const lost = { count: 0 };
    const logger = {
      ...silentLogger,
      debug: (_: object, text: string) => void (text === 'endpoint failed' && lost.count++),
    };
    const options = { clock, logger, backoffMs: 10_000, backoffMaxMs: 100_000, dialTimeoutMs: 600_000 };
    const store = await connect([dead, flaky], { ...options, requestTimeoutMs: 100_000, connectTimeoutMs: 100_000 });
    const breaking = async () => {
      const { count } = lost;
      flaky.cut();
      await eventually(() => lost.count > count);
    };
    // The first one failed at 0 s, and is to be tried again at 5 s; it fails again, and is to be tried at 15 s.
    await store.range('a');
    await clock.advance(1_000);
    await breaking();
    const first = store.range('a');
    await clock.advance(4_000);
    await eventually(() => lost.count === 3);
    await clock.advance(1_000);
    await first;
    await clock.advance(1_000);
    await breaking();

    const second = store.range('a');
    await clock.advance(5_000);

    expect(clock.now()).toBe(12_000);
    expect((await second).revision).toBe(2);
  });

  test('a call that waits for one is answered as soon as one can be', async () => {
    const [link] = await linked(7);
    const store = await connect([link]);
    await link.refuse();
    const reading = store.range('a');
    await new Promise((resolve) => setTimeout(resolve, 50));

    await link.accept();

    expect((await reading).revision).toBe(7);
  });

  test('a call that waits rejects with the reason of its signal', async () => {
    const [link] = await linked(7);
    const store = await connect([link]);
    await link.refuse();
    const reason = new Error('enough');
    const stop = new AbortController();
    const reading = store.range('a', { signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));

    stop.abort(reason);

    await expect(reading).rejects.toBe(reason);
  });

  test('closing the store ends the waiting', async () => {
    const [link] = await linked(7);
    const store = await connect([link]);
    await link.refuse();
    const reading = failsWith('CLOSED', () => store.range('a'));
    await new Promise((resolve) => setTimeout(resolve, 20));

    await store.close();

    await reading;
  });
});

test('an endpoint whose leader is lost is left without breaking what is under way on it', async () => {
  const server = await serve({ put: () => SILENT });
  const other = await serve({ range: () => rangeAnswer(2) });
  const link = await FaultyLink.open(server);
  after(() => link.close());
  const store = await connect([link, other], { retriesMax: 1 });
  const writing = store.put('a', '1');
  void writing.catch(() => {});
  await server.received('put');
  server.script.range = () => Object.assign(new Error('x'), { code: 14, details: 'etcdserver: no leader' });

  expect((await store.range('a')).revision).toBe(2);

  let isSettled = false;
  void writing.catch(() => (isSettled = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isSettled).toBe(false);

  // It is not forgotten either.
  await store.close();
  await failsWith('OUTCOME_UNKNOWN', () => writing);
});
