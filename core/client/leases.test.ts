import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import type { LeaseGrantRequest, LeaseGrantResponse } from '../rpc/gen/lease.js';
import { failsWith } from '../testing/conformance/fixture.js';
import { failure, header, type KeepAliveWire, SILENT } from './testing/scripted-server.js';
import { connect, connectByHand, serve } from './testing/stores.js';

const granted = ({ ID, TTL }: LeaseGrantRequest): LeaseGrantResponse => ({ header: header(1), ID, TTL, error: '' });

/** Answers every renewal with this TTL. */
const renewing = (ttlSeconds: bigint) => (wire: KeepAliveWire) => {
  wire.on('data', ({ ID }: { ID: bigint }) => wire.write({ header: header(1), ID, TTL: ttlSeconds }));
  wire.on('end', () => wire.end());
};

describe('a grant', () => {
  test('asks for whole seconds, rounded up, under an id of its own', async () => {
    const asked: LeaseGrantRequest[] = [];
    const server = await serve({ leaseGrant: (request) => (asked.push(request), { ...granted(request), TTL: 3n }) });
    const store = await connect([server], { prng: seededPrng(1) });

    const first = await store.grantLease('1500ms');
    const second = await store.grantLease(1);

    expect(asked.map(({ TTL }) => TTL)).toEqual([2n, 1n]);
    expect(first).toMatchObject({ id: asked[0]!.ID, ttlSeconds: 3 });
    expect(first.id > 0n && second.id > 0n && first.id !== second.id).toBe(true);
  });

  test('whose answer was lost is asked again under the same id, and recognised', async () => {
    const asked: LeaseGrantRequest[] = [];
    const server = await serve({
      leaseGrant: (request) => {
        asked.push(request);
        return asked.length === 1
          ? failure(status.UNAVAILABLE, 'etcdserver: request timed out')
          : failure(status.FAILED_PRECONDITION, 'etcdserver: lease already exists');
      },
      leaseTimeToLive: ({ ID }) => ({ header: header(1), ID, TTL: 14n, grantedTTL: 15n, keys: [] }),
    });
    const store = await connect([server]);

    const lease = await store.grantLease('15s');

    expect(asked.map(({ ID }) => ID)).toEqual([lease.id, lease.id]);
    expect(lease.ttlSeconds).toBe(15);
  });

  test('that had ended by the time it was recognised says so', async () => {
    let count = 0;
    const server = await serve({
      leaseGrant: () =>
        (count += 1) === 1
          ? failure(status.UNAVAILABLE, 'etcdserver: request timed out')
          : failure(status.FAILED_PRECONDITION, 'etcdserver: lease already exists'),
      leaseTimeToLive: ({ ID }) => ({ header: header(1), ID, TTL: -1n, grantedTTL: 0n, keys: [] }),
    });
    const store = await connect([server]);

    await failsWith('LEASE_NOT_FOUND', () => store.grantLease('15s'));
  });

  test('of an id that the caller chose fails as existing if the server says so at once', async () => {
    const server = await serve({
      leaseGrant: () => failure(status.FAILED_PRECONDITION, 'etcdserver: lease already exists'),
    });
    const store = await connect([server]);

    const error = await failsWith('LEASE_EXISTS', () => store.grantLease('15s', { id: 7n }));

    expect(error).toMatchObject({ lease: 7n });
  });

  test('of an id that the caller chose has an unknown outcome if it exists after a lost answer', async () => {
    let count = 0;
    const server = await serve({
      leaseGrant: () =>
        (count += 1) === 1
          ? failure(status.UNAVAILABLE, 'etcdserver: request timed out')
          : failure(status.FAILED_PRECONDITION, 'etcdserver: lease already exists'),
    });
    const store = await connect([server]);

    await failsWith('OUTCOME_UNKNOWN', () => store.grantLease('15s', { id: 7n }));
  });

  test('that was sent and never answered has an unknown outcome in the end', async () => {
    const server = await serve({ leaseGrant: () => failure(status.UNAVAILABLE, 'etcdserver: request timed out') });
    const store = await connect([server], { retriesMax: 1 });

    await failsWith('OUTCOME_UNKNOWN', () => store.grantLease('15s'));
  });

  test('above the limit names it', async () => {
    const server = await serve({
      leaseGrant: () => failure(status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'),
    });
    const store = await connect([server]);

    const error = await failsWith('LEASE_TTL_TOO_LARGE', () => store.grantLease(9_000_000_001_000));

    expect(error.message).toContain('9000000001 s');
  });
});

describe('a revocation', () => {
  const lost = () => failure(status.UNAVAILABLE, 'etcdserver: request timed out');
  const notFound = () => failure(status.NOT_FOUND, 'etcdserver: requested lease not found');

  test('of a lease whose id was chosen here is asked again when its answer is lost; that it is gone is what was wanted', async () => {
    let count = 0;
    const server = await serve({
      leaseGrant: granted,
      leaseRevoke: () => ((count += 1) === 1 ? lost() : notFound()),
    });
    const store = await connect([server]);
    const lease = await store.grantLease('15s');

    await lease.revoke();

    expect(count).toBe(2);
  });

  test('of a lease that is not there says so, if it says so at once', async () => {
    const server = await serve({ leaseGrant: granted, leaseRevoke: notFound });
    const store = await connect([server]);
    const lease = await store.grantLease('15s');

    await failsWith('LEASE_NOT_FOUND', () => lease.revoke());
  });

  test('that is never answered has an unknown outcome', async () => {
    const server = await serve({ leaseGrant: granted, leaseRevoke: lost });
    const store = await connect([server], { retriesMax: 2 });
    const lease = await store.grantLease('15s');

    await failsWith('OUTCOME_UNKNOWN', () => lease.revoke());

    expect(server.count('leaseRevoke')).toBe(3);
  });

  test('of a lease under an id that somebody chose is not asked again: the id may be another lease by then', async () => {
    const server = await serve({ leaseGrant: granted, leaseRevoke: lost });
    const store = await connect([server]);
    const chosen = await store.grantLease('15s', { id: 7n });

    await failsWith('OUTCOME_UNKNOWN', () => chosen.revoke());
    await failsWith('OUTCOME_UNKNOWN', () => store.lease(8n).revoke());

    expect(server.count('leaseRevoke')).toBe(2);
  });
});

describe('a renewal', () => {
  test('goes over one stream, together with all the others', async () => {
    const server = await serve({ keepAlive: renewing(15n) });
    const store = await connect([server]);

    await Promise.all([1n, 2n, 3n].map((id) => store.lease(id).keepAlive()));
    await store.lease(1n).keepAlive();

    expect(server.count('keepAlive')).toBe(1);
  });

  test('of a lease that has ended says so, and the stream goes on', async () => {
    const server = await serve({
      keepAlive: (wire) =>
        wire.on('data', ({ ID }: { ID: bigint }) => wire.write({ header: header(1), ID, TTL: ID === 2n ? 0n : 15n })),
    });
    const store = await connect([server]);

    const error = await failsWith('LEASE_NOT_FOUND', () => store.lease(2n).keepAlive());
    await store.lease(1n).keepAlive();

    expect(error).toMatchObject({ lease: 2n });
    expect(server.count('keepAlive')).toBe(1);
  });

  test('is answered to the one who asked, in the order of asking', async () => {
    let wire: KeepAliveWire | undefined;
    const server = await serve({ keepAlive: (opened) => void (wire = opened).resume() });
    const store = await connect([server]);
    const order: string[] = [];
    const renewals = [1n, 2n, 1n].map((id, i) =>
      store
        .lease(id)
        .keepAlive()
        .then(() => order.push(`${i}`)),
    );
    await server.received('keepAlive');

    for (const ID of [2n, 1n, 1n]) wire!.write({ header: header(1), ID, TTL: 5n });
    await Promise.all(renewals);

    expect(order).toEqual(['1', '0', '2']);
  });

  test('is made again over a new stream when the old one breaks', async () => {
    let streams = 0;
    const server = await serve({
      keepAlive: (wire) => {
        streams += 1;
        if (streams === 1) wire.emit('error', failure(status.UNAVAILABLE, 'etcdserver: no leader'));
        else renewing(15n)(wire);
      },
    });
    const store = await connect([server]);

    await store.lease(1n).keepAlive();

    expect(streams).toBe(2);
  });

  test('that is not acknowledged in requestTimeoutMs ends the stream, and is made again', async () => {
    let streams = 0;
    const server = await serve({
      keepAlive: (wire) => {
        streams += 1;
        if (streams === 1) wire.resume();
        else renewing(15n)(wire);
      },
    });
    const [store, clock] = await connectByHand(server, { requestTimeoutMs: 4_000 });
    const renewing1 = store.lease(1n).keepAlive();
    const renewing2 = store.lease(2n).keepAlive();
    await server.received('keepAlive');

    await clock.advance(3_999);
    expect(streams).toBe(1);
    const again = server.received('keepAlive', 2);
    await clock.advance(1);
    await clock.advance(100);
    await again;

    await Promise.all([renewing1, renewing2]);
    expect(streams).toBe(2);
  });

  test('rejects with the reason of its signal, and the answer to the next one is not mistaken for its own', async () => {
    let wire: KeepAliveWire | undefined;
    const server = await serve({ keepAlive: (opened) => void (wire = opened).resume() });
    const store = await connect([server]);
    const stop = new AbortController();
    const first = store.lease(1n).keepAlive({ signal: stop.signal });
    const second = store.lease(1n).keepAlive();
    await server.received('keepAlive');
    const reason = new Error('enough');

    stop.abort(reason);
    await expect(first).rejects.toBe(reason);
    let isSecondDone = false;
    void second.then(() => (isSecondDone = true));
    wire!.write({ header: header(1), ID: 1n, TTL: 5n });
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(isSecondDone).toBe(false);
    wire!.write({ header: header(1), ID: 1n, TTL: 5n });
    await second;
  });

  test('under way when the store closes fails as closed', async () => {
    const server = await serve({ keepAlive: (wire) => wire.resume() });
    const [store] = await connectByHand(server);
    const renewal = failsWith('CLOSED', () => store.lease(1n).keepAlive());
    await server.received('keepAlive');

    await store.close();

    await renewal;
  });

  test('leaves no stream open once nothing was renewed for a minute', async () => {
    let isEnded = false;
    const server = await serve({
      keepAlive: (wire) => {
        renewing(15n)(wire);
        wire.on('end', () => (isEnded = true));
      },
    });
    const [store, clock] = await connectByHand(server);
    await store.lease(1n).keepAlive();

    await clock.advance(59_999);
    expect(isEnded).toBe(false);
    await clock.advance(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isEnded).toBe(true);

    await store.lease(1n).keepAlive();
    expect(server.count('keepAlive')).toBe(2);
  });
});

describe('time to live', () => {
  test('of a lease that does not exist is below 0', async () => {
    const server = await serve({
      leaseTimeToLive: ({ ID }) => ({ header: header(1), ID, TTL: -1n, grantedTTL: 0n, keys: [] }),
    });
    const store = await connect([server]);

    expect(await store.lease(5n).timeToLive()).toEqual({
      id: 5n,
      remainingTtlSeconds: -1,
      grantedTtlSeconds: 0,
      keys: [],
    });
  });

  test('is asked again if no answer came', async () => {
    let count = 0;
    const server = await serve({
      leaseTimeToLive: ({ ID }) => {
        count += 1;
        return count === 1 ? SILENT : { header: header(1), ID, TTL: 3n, grantedTTL: 5n, keys: [Buffer.from('k')] };
      },
    });
    const [store, clock] = await connectByHand(server, { requestTimeoutMs: 1_000 });
    const asking = store.lease(5n).timeToLive({ keys: true });
    await server.received('leaseTimeToLive');

    const again = server.received('leaseTimeToLive', 2);
    await clock.advance(1_000);
    await clock.advance(100);
    await again;

    expect(await asking).toMatchObject({ remainingTtlSeconds: 3, grantedTtlSeconds: 5 });
  });
});
