import { afterEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toBytes, toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import type { PutRequest, TxnRequest } from '../base/operation.js';
import { settle } from '../testing/manual-clock.js';
import type { Member } from './member.js';
import { startOnHeldLog } from './testing/start.js';
import { codesOf } from './testing/codes.js';

const started: Member[] = [];
afterEach(async () => {
  for (const member of started.splice(0)) await member.close();
});

async function setUp(given: Parameters<typeof startOnHeldLog>[0] = {}) {
  const parts = await startOnHeldLog(given);
  started.push(parts.member);
  return parts;
}

function putOf(key: string, value = 'value'): PutRequest {
  return { type: 'put', key: toBytes(key), value: toBytes(value) };
}

async function valueOf(member: Member, key: string): Promise<string | undefined> {
  const { kvs } = await member.range({ type: 'range', key: toBytes(key) });
  return kvs[0] && toText(kvs[0].value);
}

/** Whether a promise is settled by now, after everything that does not wait for time or for the test has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await settle();
  return settled;
}

describe('a write', () => {
  test('is answered, and seen by reads, only once its entry is durable', async () => {
    const { member, log } = await setUp();
    log.isHeld = true;
    const put = member.put(putOf('a'));

    expect(await isSettled(put)).toBe(false);
    const serializable = await member.range({ type: 'range', key: toBytes('a'), serializable: true });
    expect(serializable.count).toBe(0);

    log.last.succeed();
    expect(await put).toMatchObject({ revision: 2 });
    log.isHeld = false;
    expect(await valueOf(member, 'a')).toBe('value');
  });

  test('made while an append runs shares the next append with all others made meanwhile', async () => {
    const { member, log } = await setUp();
    const before = log.appends.length;
    log.isHeld = true;
    const first = member.put(putOf('first'));
    await settle();
    const others = Array.from({ length: 255 }, (_, i) => member.put(putOf(`other/${i}`)));
    log.isHeld = false;
    log.last.succeed();
    await Promise.all([first, ...others]);

    expect(log.appends.slice(before).map(({ entries }) => entries.length)).toEqual([1, 255]);
  });

  test('made in the same turn as others shares their append', async () => {
    const { member, log } = await setUp();
    const before = log.appends.length;

    await Promise.all(Array.from({ length: 64 }, (_, i) => member.put(putOf(`key/${i}`))));

    expect(log.appends.length - before).toBe(1);
  });

  test('takes one append, and waits for no timer', async () => {
    const { member, log } = await setUp();
    const before = log.appends.length;

    await member.put(putOf('a'));

    expect(log.appends.length - before).toBe(1);
    expect(log.last.entries).toHaveLength(1);
  });

  test('is applied while the next append is under way', async () => {
    const { member, log } = await setUp();
    log.isHeld = true;
    const first = member.put(putOf('a'));
    await settle();
    const firstAppend = log.last;
    const second = member.put(putOf('b'));
    firstAppend.succeed();

    expect(await first).toMatchObject({ revision: 2 });
    expect(log.last).not.toBe(firstAppend);
    log.last.succeed();
    await second;
  });
});

describe('a read', () => {
  test('sees every write that was acknowledged before it', async () => {
    const { member } = await setUp();
    for (let i = 0; i < 20; i += 1) {
      await member.put(putOf('a', String(i)));
      expect(await valueOf(member, 'a')).toBe(String(i));
    }
  });

  test('does not wait for an append that is under way', async () => {
    const { member, log } = await setUp();
    await member.put(putOf('a', 'old'));
    log.isHeld = true;
    const put = member.put(putOf('a', 'new'));
    await settle();

    expect(await valueOf(member, 'a')).toBe('old');

    log.last.succeed();
    await put;
    expect(await valueOf(member, 'a')).toBe('new');
  });

  test('goes nowhere near the log, in a transaction neither', async () => {
    const { member, log } = await setUp();
    await member.put(putOf('a', 'x'));
    const before = log.appends.length;
    const range = { type: 'range', key: toBytes('a') } as const;
    const txn: TxnRequest = { type: 'txn', compares: [], success: [range], failure: [] };

    const [alone, inTxn] = await Promise.all([member.range(range), member.txn(txn)]);

    expect(inTxn.responses[0]).toEqual(alone);
    expect(log.appends).toHaveLength(before);
  });
});

describe('a bad request', () => {
  test('is refused before anything is proposed', async () => {
    const { member, log } = await setUp();
    const before = log.appends.length;
    const bad = [
      member.put({ ...putOf(''), key: new Uint8Array(0) }),
      member.put({ ...putOf('a'), ignoreValue: true }),
      member.delete({ type: 'delete', key: new Uint8Array(0) }),
      member.txn({ type: 'txn', compares: [], success: [putOf('a'), putOf('a')], failure: [] }),
      member.compact(Number.NaN, false),
      member.leaseGrant(0n, 0.5),
      member.leaseGrant(2n ** 63n, 5),
      member.leaseGrant(0n, 9_000_000_001),
    ];

    const codes = codesOf(await Promise.allSettled(bad));

    expect(codes).toEqual([
      'EMPTY_KEY',
      'VALUE_PROVIDED',
      'EMPTY_KEY',
      'DUPLICATE_KEY',
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
      'LEASE_TTL_TOO_LARGE',
    ]);
    await settle();
    expect(log.appends).toHaveLength(before);
  });

  test('a command may be as large as the limit, and not a byte larger', async () => {
    const { member, log } = await setUp({ settings: { requestBytesMax: 1_000 } });
    await member.put(putOf('a', 'x'.repeat(900)));
    const overheadBytes = (log.last.entries[0]?.data.length as number) - 900;
    const most = 1_000 - overheadBytes;

    expect(await member.put(putOf('a', 'x'.repeat(most)))).toMatchObject({ revision: 3 });
    expect(log.last.entries[0]?.data).toHaveLength(1_000);
    await expect(member.put(putOf('a', 'x'.repeat(most + 1)))).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
  });
});

describe('back-pressure', () => {
  test('as many writes as the limit may wait; one more is refused, and taken again when there is room', async () => {
    const { member, log } = await setUp({ settings: { proposalsMax: 3 } });
    log.isHeld = true;
    const waiting = [1, 2, 3].map((i) => member.put(putOf(`key/${i}`)));
    await expect(member.put(putOf('one/more'))).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });

    await settle();
    log.isHeld = false;
    log.last.succeed();
    await Promise.all(waiting);

    await member.put(putOf('one/more'));
    expect(await valueOf(member, 'one/more')).toBe('value');
  });

  test('an engine that is overfull is waited for before anything more is applied', async () => {
    const backend = openMemoryBackend();
    const drained: (() => void)[] = [];
    let isOverfull = false;
    Object.defineProperty(backend, 'overfull', { get: () => isOverfull });
    backend.drained = () => new Promise((resolve) => drained.push(resolve));
    const { member, log } = await setUp({ backend });

    isOverfull = true;
    const put = member.put(putOf('a'));
    expect(await isSettled(put)).toBe(false);
    expect(log.last.entries).toHaveLength(1);

    isOverfull = false;
    for (const resolve of drained) resolve();
    await put;
  });
});

describe('when the log fails', () => {
  test('nothing is acknowledged any more, and everybody is told what is known', async () => {
    const { member, log } = await setUp();
    await member.put(putOf('before'));
    log.isHeld = true;
    const handedOver = member.put(putOf('handed-over'));
    await settle();
    const waiting = member.put(putOf('waiting'));

    log.last.fail(new Error('EIO: sync'));

    await expect(handedOver).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', retry: 'if-idempotent' });
    await expect(waiting).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
    expect(await member.stopped).toMatchObject({ code: 'MEMBER_STOPPED', message: 'the member stopped: EIO: sync' });
  });

  test('every later call is refused, and the log is never written to again', async () => {
    const { member, log } = await setUp();
    log.isHeld = true;
    const failing = member.put(putOf('a'));
    await settle();
    log.last.fail(new Error('EIO: sync'));
    await expect(failing).rejects.toThrow();
    const before = log.appends.length;

    const later = [
      member.put(putOf('b')),
      member.range({ type: 'range', key: toBytes('a') }),
      member.range({ type: 'range', key: toBytes('a'), serializable: true }),
      member.leaseGrant(0n, 10),
      member.leaseKeepAlive(1n),
      member.compact(1, true),
      member.leases(),
    ];

    for (const call of later) await expect(call).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
    expect(() => member.watch({ target: everything() }, () => {})).toThrow(/stopped/);
    expect(log.appends).toHaveLength(before);
    await member.close();
    expect(log.isClosed).toBe(true);
  });

  test('a failing engine stops the member too', async () => {
    const backend = openMemoryBackend();
    let fail: ((error: Error) => void) | undefined;
    backend.onFailure = (callback) => (fail = callback);
    const { member } = await setUp({ backend });

    fail?.(new Error('MDB_MAP_FULL'));

    expect(await member.stopped).toMatchObject({ code: 'MEMBER_STOPPED' });
    await expect(member.put(putOf('a'))).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
  });
});

describe('closing', () => {
  test('lets writes and reads under way finish, refuses later ones, and closes the log', async () => {
    const { member, log } = await setUp();
    log.isHeld = true;
    const put = member.put(putOf('a'));
    const read = member.range({ type: 'range', key: toBytes('a') });
    await settle();

    const closed = member.close();
    await expect(member.put(putOf('b'))).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await isSettled(closed)).toBe(false);
    log.last.succeed();

    expect(await put).toMatchObject({ revision: 2 });
    await read;
    await closed;
    expect(log.isClosed).toBe(true);
    expect(await member.stopped).toBeUndefined();
  });

  test('twice is the same as once', async () => {
    const { member } = await setUp();

    await Promise.all([member.close(), member.close()]);
    await member.close();
  });

  test('leaves no timer behind', async () => {
    const { member, clock } = await setUp();
    expect(clock.timerCount).toBeGreaterThan(0);

    await member.close();

    expect(clock.timerCount).toBe(0);
  });
});

describe('compaction', () => {
  async function written(member: Member): Promise<void> {
    for (let i = 0; i < 20; i += 1) await member.put(putOf('a', String(i)));
  }

  test('is in force once it is answered; its space is free once a physical one is', async () => {
    const backend = openMemoryBackend();
    const records = () => [...backend.scan('history')].length;
    const { member } = await setUp({ backend, settings: { scrubRecordsPerStep: 3 } });
    await written(member);
    expect(records()).toBe(20);

    await member.compact(11, false);
    await expect(member.range({ type: 'range', key: toBytes('a'), revision: 10 })).rejects.toMatchObject({
      code: 'COMPACTED',
    });
    await member.compact(15, true);

    expect(records()).toBe(7);
  });

  test('is freed bit by bit: writes are answered in between', async () => {
    const backend = openMemoryBackend();
    const records = () => [...backend.scan('history')].length;
    const { member } = await setUp({ backend, settings: { scrubRecordsPerStep: 1 } });
    await written(member);
    await member.compact(21, false);

    await member.put(putOf('a'));

    expect(records()).toBeGreaterThan(2);
    await settle();
    await settle();
    expect(records()).toBe(2);
  });
});

describe('the log', () => {
  test('is let go of bit by bit, and a bounded tail of it is kept', async () => {
    const { member, log } = await setUp({ settings: { logKeptEntries: 10 } });
    for (let i = 0; i < 100; i += 1) await member.put(putOf(`key/${i % 5}`));
    await settle();

    const lastIndex = log.last.entries.at(-1)?.index as number;
    expect(log.compactedTo).toBeLessThanOrEqual(lastIndex - 10);
    expect(log.compactedTo).toBeGreaterThanOrEqual(lastIndex - 25);
  });
});
