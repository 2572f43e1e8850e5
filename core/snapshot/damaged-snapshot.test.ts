import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { SnapshotDamagedError, SnapshotNewerError } from '../base/errors.js';
import { CHECKSUM_BYTES, FIXED_HEADER_BYTES, VALUE_BYTES_MAX } from './format.js';
import { inspectSnapshot, readSnapshot, type ReadOptions } from './read-snapshot.js';
import { SnapshotParser } from './snapshot-parser.js';
import { takeSnapshot } from './take-snapshot.js';
import { collect, dump, inChunks, smallState } from './testing/states.js';

let whole: Buffer;
let expected: string[];
beforeAll(async () => {
  const { backend } = smallState();
  whole = await collect(takeSnapshot(backend).chunks());
  expected = dump(backend);
});

/** Header and configuration: two voters, a learner. */
const HEADER_BYTES = FIXED_HEADER_BYTES + 4 + 3 * 8;
/** Where its records end. */
const END_AT = 489;

async function read(bytes: Uint8Array, options?: ReadOptions, ends: readonly number[] = []): Promise<string[]> {
  const backend = openMemoryBackend();
  await readSnapshot(inChunks(bytes, ...ends), { backend }, options);
  return dump(backend);
}

/** The bytes with their hash put right, as someone would have to who wanted to deceive. */
function rehashed(bytes: Buffer): Buffer {
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

function altered(alter: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(whole);
  alter(bytes);
  return rehashed(bytes);
}

test('a snapshot is these bytes', () => {
  expect(whole.subarray(0, HEADER_BYTES).toString('hex')).toBe(
    [
      ['636f6e636c736e70', '00000001'],
      // Index 6, term 3, the hash, revision 4.
      ['4018000000000000', '4008000000000000', whole.subarray(28, 36).toString('hex'), '4010000000000000'],
      // The configuration: its length, format, voters, nobody outgoing, learners.
      ['001c', '01', '02', '0000000000000001', 'ffffffffffffffff', '00', '01', '0000000000000007'],
    ]
      .flat()
      .join(''),
  );
  // The first record: of the history, a key of 16 bytes, a value of 4.
  expect(whole.subarray(HEADER_BYTES, HEADER_BYTES + 7).toString('hex')).toBe('01' + '0010' + '00000004');
  // The end: how many records, zeros, the hash.
  expect(whole.at(END_AT)).toBe(0);
  expect(whole.readDoubleBE(END_AT + 1)).toBe(expected.length);
  expect(whole.length).toBe(512 + CHECKSUM_BYTES);
  expect(whole.subarray(END_AT + 9, 512).every((byte) => byte === 0)).toBe(true);
  expect(rehashed(whole).equals(whole)).toBe(true);
});

test('wherever its chunks end, it is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 12 }), async (places) => {
      expect(
        await read(
          whole,
          {},
          [...places].sort((a, b) => a - b),
        ),
      ).toEqual(expected);
    }),
    { seed: 3, numRuns: 200 },
  );
  expect(await read(whole, {}, [...whole.keys()])).toEqual(expected);
});

describe('is refused', () => {
  test('if it is cut off, wherever that is, with the place', async () => {
    for (let length = 0; length < whole.length; length += 1) {
      const error = await read(whole.subarray(0, length)).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(SnapshotDamagedError);
      expect(error).toMatchObject({ offset: length, message: expect.stringContaining('ends before it is complete') });
    }
  });

  test('if any bit is another', async () => {
    for (let bit = 0; bit < 8 * whole.length; bit += 1) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const error = await read(bytes).catch((error: unknown) => error);
      const isNewer = bit >= 64 && bit < 96;
      expect(error).toBeInstanceOf(isNewer && bit !== 88 ? SnapshotNewerError : SnapshotDamagedError);
    }
  });

  test('if there is a byte after its end', async () => {
    await expect(read(Buffer.concat([whole, Buffer.alloc(1)]))).rejects.toMatchObject({ offset: whole.length });
    await expect(read(Buffer.concat([whole, Buffer.alloc(1)]), {}, [whole.length])).rejects.toThrow('after its end');
  });

  test('if a later version made it, whatever follows', async () => {
    const bytes = Buffer.from(whole.subarray(0, 12));
    bytes.writeUInt32BE(2, 8);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'SNAPSHOT_NEWER_FORMAT', version: 2, newestVersion: 1 });
  });

  test.each<[string, (bytes: Buffer) => void, string, number]>([
    ['it is something else', (bytes) => bytes.fill('x', 0, 8), 'does not begin as a snapshot', 0],
    ['there never was such a format', (bytes) => bytes.writeUInt32BE(0, 8), 'no format 0', 0],
    ['an index is no whole number', (bytes) => bytes.writeDoubleBE(1.5, 12), 'a number of its header is none', 12],
    ['a term is negative', (bytes) => bytes.writeDoubleBE(-1, 20), 'a number of its header is none', 20],
    ['the configuration is too long', (bytes) => bytes.writeUInt16BE(6_125, 44), 'too long', 44],
    ['the configuration is none', (bytes) => bytes.writeUInt8(9, FIXED_HEADER_BYTES), 'cannot be read', FIXED_HEADER_BYTES],
    ['there is no such table', (bytes) => bytes.writeUInt8(4, HEADER_BYTES), 'no table 4', HEADER_BYTES],
    ['a key is empty', (bytes) => bytes.writeUInt16BE(0, HEADER_BYTES + 1), 'a key of 0 bytes', HEADER_BYTES],
    ['a key is too long', (bytes) => bytes.writeUInt16BE(512, HEADER_BYTES + 1), 'a key of 512 bytes', HEADER_BYTES],
    [
      'a value is too long',
      (bytes) => bytes.writeUInt32BE(VALUE_BYTES_MAX + 1, HEADER_BYTES + 3),
      `a value of ${VALUE_BYTES_MAX + 1} bytes`,
      HEADER_BYTES,
    ],
    ['records do not ascend', (bytes) => bytes.fill(0, HEADER_BYTES + 23 + 4 + 7, HEADER_BYTES + 23 + 4 + 23), 'not in order', HEADER_BYTES + 27],
    ['it counts other records', (bytes) => bytes.writeDoubleBE(2, END_AT + 1), 'by its own count', END_AT],
    ['its end has something else than zeros', (bytes) => bytes.writeUInt8(1, 511), 'not filled with zeros', END_AT],
    ['its header names another index', (bytes) => bytes.writeDoubleBE(7, 12), 'not that of the records', -0],
    ['its header names another member', (bytes) => bytes.writeUInt8(2, FIXED_HEADER_BYTES + 9), 'not that of the records', -0],
  ])('if %s, though its hash is right', async (_, alter, why, offset) => {
    const error = await read(altered(alter)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(SnapshotDamagedError);
    expect((error as Error).message).toContain(why);
    const at = Object.is(offset, -0) || offset < 0 ? whole.length + offset : offset;
    expect((error as SnapshotDamagedError).offset).toBe(at);
  }); // prettier-ignore

  test('at the limits of a key and a value nothing is refused; the bytes are waited for', () => {
    for (const [keyBytes, valueBytes] of [
      [511, 0],
      [1, VALUE_BYTES_MAX],
    ] as const) {
      const header = Buffer.from([1, 0, 0, 0, 0, 0, 0]);
      header.writeUInt16BE(keyBytes, 1);
      header.writeUInt32BE(valueBytes, 3);
      const parser = new SnapshotParser(() => undefined);
      parser.push(Buffer.concat([whole.subarray(0, HEADER_BYTES), header]));
      expect(() => parser.finish()).toThrow('ends before it is complete');
    }
  });

  test('if records are not what a machine writes, though its hash is right', async () => {
    const at = whole.indexOf('machine.applied') + 'machine.applied'.length;
    const bytes = altered((bytes) => void (bytes[at] = 99));
    await expect(read(bytes)).rejects.toThrow(SnapshotDamagedError);
  });
});

describe('without the check of its hash', () => {
  const skip = { skipHashCheck: true };

  test('one whose hash is wrong, or missing, passes', async () => {
    const wrong = Buffer.from(whole);
    wrong[wrong.length - 1]! ^= 1;
    await expect(read(wrong)).rejects.toThrow('its hash is wrong');
    expect(await read(wrong, skip)).toEqual(expected);
    expect(await read(whole.subarray(0, -CHECKSUM_BYTES), skip)).toEqual(expected);
    expect((await inspectSnapshot(inChunks(wrong), skip)).checksum).toEqual(new Uint8Array(whole.subarray(-32)));
  });

  test('one whose records are incomplete does not, nor one whose hash is', async () => {
    for (const missing of [1, CHECKSUM_BYTES - 1, CHECKSUM_BYTES + 1, CHECKSUM_BYTES + 9])
      await expect(read(whole.subarray(0, -missing), skip)).rejects.toThrow('ends before it is complete');
  });
});
