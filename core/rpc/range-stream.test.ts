import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { PermissionDeniedError } from '../base/errors.js';
import { fromKey, range } from '../base/key-range.js';
import type { RangePageRequest } from '../base/operation.js';
import { TestStore } from '../mvcc/testing/test-store.js';
import { put } from '../txn.js';
import { KVService, type RangeRequest, type RangeResponse } from './gen/kv.js';
import { rangeStream } from './range-stream.js';
import { FakeMember } from './testing/fake-member.js';
import { eventually, Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

const CHUNK_BYTES = 1_000;
const ALL = { key: Buffer.of(0), rangeEnd: Buffer.of(0) };
const EMPTY: RangeRequest = KVService.rangeStream.requestDeserialize(Buffer.alloc(0));

/** A member that has so many keys, and tells what is asked of it. */
function memberOf(keyCount: number, valueBytes = 1) {
  const store = new TestStore(openMemoryBackend());
  const value = 'v'.repeat(valueBytes);
  store.txn({ success: Array.from({ length: keyCount }, (_, i) => put(`k${10_000 + i}`, value)) });
  const member = new FakeMember();
  const asked: RangePageRequest[] = [];
  member.rangePage = async (request) => {
    asked.push(request);
    return store.keyspace.rangePage(request);
  };
  const port = {
    ...{ clusterId: 11n, memberId: 22n, term: 3, revision: 100 },
    clock: member.clock,
    rangePage: member.rangePage,
  };
  return { store, member, port, asked };
}

async function read(
  { port }: Pick<ReturnType<typeof memberOf>, 'port'>,
  request: Partial<RangeRequest> = ALL,
): Promise<RangeResponse[]> {
  const chunks: RangeResponse[] = [];
  for await (const { rangeResponse } of rangeStream(port, { ...EMPTY, ...request }, CHUNK_BYTES))
    chunks.push(rangeResponse as RangeResponse);
  return chunks;
}

const sizes = (chunks: readonly RangeResponse[]) => chunks.map(({ kvs }) => kvs.length);

describe('a stream of a range', () => {
  test('tells ten keys first, and then twice as many each time', async () => {
    expect(sizes(await read(memberOf(80)))).toEqual([10, 20, 40, 10]);
  });

  test('has no message larger than it may be, but for one key', async () => {
    expect(sizes(await read(memberOf(24, 94)))).toEqual([10, 10, 4]);
    expect(sizes(await read(memberOf(3, 2_000)))).toEqual([1, 1, 1]);
  });

  test('put together is the answer to the request at once', async () => {
    const member = memberOf(100);
    for (const limit of [0n, 1n, 9n, 10n, 11n, 29n, 30n, 99n, 100n, 101n]) {
      const chunks = await read(member, { ...ALL, limit });
      const whole = member.store.range(fromKey('\0'), { limit: Number(limit) });

      const last = chunks.at(-1) as RangeResponse;
      expect(chunks.flatMap(({ kvs }) => kvs.map((kv) => kv.key.toString()))).toEqual(
        whole.kvs.map((kv) => Buffer.from(kv.key).toString()),
      );
      expect(last).toMatchObject({ count: whole.count, more: whole.more, header: { revision: whole.revision } });
      for (const { header, count, more } of chunks.slice(0, -1)) expect({ header, count, more }).toEqual(NOTHING);
    }
  });
  const NOTHING = { header: undefined, count: 0, more: false };

  test('is of one revision: asked for as it was wanted first, and here from then on', async () => {
    const member = memberOf(40);
    const { revision } = member.store;
    const stream = rangeStream(member.port, { ...EMPTY, ...ALL }, CHUNK_BYTES);
    const first = await stream.next();
    member.store.delete(fromKey('\0'));

    const rest: number[] = [];
    for await (const { rangeResponse } of stream) rest.push(rangeResponse?.kvs.length as number);

    expect([first.value?.rangeResponse?.kvs.length, ...rest]).toEqual([10, 20, 10]);
    expect(member.asked.map(({ serializable }) => serializable)).toEqual([false, true, true]);
    expect(member.asked.map((request) => request.revision)).toEqual([0, revision, revision]);
  });

  test('goes over keys that are gone without a message', async () => {
    const member = memberOf(9_000);
    member.store.delete(range('k10003', 'k18999'));

    const chunks = await read(member);

    expect(chunks).toMatchObject([{ kvs: { length: 3 } }, { kvs: { length: 1 }, count: 4 }]);
    expect(member.asked.length).toBeGreaterThan(2);
  });

  test('ends when what it reads is compacted', async () => {
    const member = memberOf(40);
    const stream = rangeStream(member.port, { ...EMPTY, ...ALL }, CHUNK_BYTES);
    await stream.next();
    member.store.put('k', '');
    member.store.compact(member.store.revision);

    await expect(stream.next()).rejects.toMatchObject({ code: 'COMPACTED' });
  });

  test('ends when the right to it is taken away', async () => {
    const member = memberOf(40);
    const { rangePage } = member.port;
    member.port.rangePage = async (request) => {
      if (member.asked.length === 2) throw new PermissionDeniedError('read');
      return rangePage(request);
    };

    await expect(read(member)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

describe('the server', () => {
  const start = async (limits = {}) => {
    const parts = memberOf(60, 9_000);
    const { client } = await servers.serve(parts.member, limits);
    return { ...parts, client };
  };

  test('reads on only as its client takes what there is', async () => {
    const { client, asked } = await start();
    const stream = client.download(KVService.rangeStream, { ...EMPTY, ...ALL });
    const first = await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = asked.length;

    let count = first.rangeResponse?.kvs.length as number;
    while (count < 60) count += (await stream.next()).rangeResponse?.kvs.length as number;

    expect(before).toBeLessThan(60);
    expect(asked).toHaveLength(60);
    expect(await stream.drain().ended).toBeUndefined();
  });

  test('refuses one stream more than it may have, and has room again when one has ended', async () => {
    const { client, member } = await start({ rangeStreamsMax: 1 });
    const { rangePage } = member;
    let go = () => {};
    let isAsked = false;
    member.rangePage = async (request) => {
      isAsked = true;
      await new Promise<void>((resolve) => (go = resolve));
      return rangePage(request);
    };
    const one = { ...EMPTY, key: Buffer.from('k10000') };
    const first = client.download(KVService.rangeStream, one);
    await eventually(() => isAsked);

    const second = await client.download(KVService.rangeStream, one).drain().ended;
    expect(second).toMatchObject({ code: status.UNKNOWN, details: 'etcdserver: too many requests' });

    go();
    expect((await first.next()).rangeResponse?.count).toBe(1);
    await first.drain().ended;
    member.rangePage = rangePage;
    expect((await client.download(KVService.rangeStream, one).next()).rangeResponse?.count).toBe(1);
  });
});
