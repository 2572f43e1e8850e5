import { expect, it } from '@jest/globals';
import { compareBytes } from '../base/bytes.js';
import { encodeRevision, mainOf, REVISION_KEY_BYTES, subOf } from './revision.js';

const REVISIONS: readonly (readonly [main: number, sub: number])[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [1, 255],
  [1, 256],
  [2, 0],
  [65_536, 3],
  [2 ** 31 - 1, 0],
  [2 ** 31, 0],
  [2 ** 32 - 1, 2 ** 31],
  [2 ** 32, 0],
  [Number.MAX_SAFE_INTEGER, 7],
];

it('gives back main and sub up to the largest safe integer', () => {
  for (const [main, sub] of REVISIONS) {
    const key = encodeRevision(main, sub);

    expect([key.length, mainOf(key), subOf(key)]).toEqual([REVISION_KEY_BYTES, main, sub]);
  }
});

it('orders keys as revisions are ordered', () => {
  const keys = REVISIONS.map(([main, sub]) => encodeRevision(main, sub));

  expect(keys.toReversed().sort(compareBytes)).toEqual(keys);
});

it('writes 8 bytes big-endian each', () => {
  const bytes = Buffer.from(encodeRevision(0x01_0203_0405_0607, 0x0a0b));

  expect(bytes.toString('hex')).toBe('00010203040506070000000000000a0b');
});
