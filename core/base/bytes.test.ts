import { expect, test } from '@jest/globals';
import { compareBytes, equalBytes, fromMapKey, toBytes, toMapKey, toText } from './bytes.js';

test('text becomes its UTF-8 bytes and back', () => {
  expect([...toBytes('é')]).toEqual([0xc3, 0xa9]);
  expect(toText(toBytes('Grüße'))).toBe('Grüße');
});

test('bytes are passed through', () => {
  const bytes = Uint8Array.of(1, 2);
  expect(toBytes(bytes)).toBe(bytes);
});

test('order is by byte, a shorter one before a longer one', () => {
  const inOrder = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]].map((b) => Uint8Array.from(b));
  for (let i = 1; i < inOrder.length; i += 1) expect(compareBytes(inOrder[i - 1]!, inOrder[i]!)).toBeLessThan(0);
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1))).toBe(true);
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
});

test('map keys keep every byte, and their text order is the byte order', () => {
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect([...fromMapKey(toMapKey(every))]).toEqual([...every]);
  expect(toMapKey(Uint8Array.of(0x7f)) < toMapKey(Uint8Array.of(0x80))).toBe(true);
});

test('a view into a larger buffer keeps to its own bytes', () => {
  const view = Uint8Array.of(1, 65, 66, 2).subarray(1, 3);
  expect(toMapKey(view)).toBe('AB');
  expect(toText(view)).toBe('AB');
});
