import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toBytes } from '../core/base/bytes.js';
import { systemPrng } from '../core/base/system-prng.js';
import {
  acquisitionKey,
  checkName,
  escapeSegment,
  folderPrefix,
  nameWithin,
  newAcquisitionId,
  parseAcquisitionKey,
  recipePrefix,
  unescapeSegment,
} from './keys.js';

test('keys are laid out by namespace, recipe and name', () => {
  expect(recipePrefix(undefined, 'mutex', 'orders')).toBe('conclave/mutex/orders/');
  expect(recipePrefix('shop/eu', 'election', 'index builder')).toBe('shop/eu/election/index builder/');
  expect(folderPrefix(undefined, 'svc')).toBe('conclave/svc/');
});

test("a name's slashes are escaped, so no name reaches into the keys of another", () => {
  expect(recipePrefix(undefined, 'mutex', 'orders/42')).toBe('conclave/mutex/orders%2F42/');
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
      const [a, b] = [one, other].map((name) => `conclave/mutex/${escapeSegment(name)}/`) as [string, string];
      expect(unescapeSegment(escapeSegment(one))).toBe(one);
      expect(a.startsWith(b)).toBe(one === other);
    }),
    { seed: 1 },
  );
});

test('parts of a name keep apart what is in different parts', () => {
  expect(nameWithin('orders', 'eu', '42')).toBe('orders/eu/42');
  expect(nameWithin('orders', 'eu/42')).toBe('orders/eu%2F42');
  expect(() => nameWithin('orders')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  expect(() => nameWithin('orders', 'eu', '')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

test.each(['', '/', '/orders', 'orders/', 'n'.repeat(513), 'é'.repeat(257), 42 as unknown as string])(
  '%p is no name',
  (name) => {
    expect(() => checkName(name, 'name')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'name' }));
  },
);

test.each(['n'.repeat(512), 'é'.repeat(256), 'a/b', 'Grüße'])('%p is a name', (name) => {
  expect(checkName(name, 'name')).toBe(name);
});

test.each(['', '/a', 'a/', 'a/mutex', 'cfg'])('%p is no namespace', (namespace) => {
  expect(() => folderPrefix(namespace, 'bq')).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'namespace' }),
  );
});

test('the key of an acquisition is read back into what it was made of', () => {
  const prefix = 'conclave/mutex/Grüße/q/';
  const acquisitionId = newAcquisitionId(systemPrng);
  const key = acquisitionKey(prefix, 0x1fn, acquisitionId);
  expect(key).toBe(`${prefix}1f.${acquisitionId}`);
  expect(parseAcquisitionKey(prefix, toBytes(key))).toEqual({ lease: 0x1fn, acquisitionId });
});

test.each(['', 'stray', '1f', '1f.', '.ab', '1f.ab/c', '1F.ab', '11111111111111111.ab', '1f.ab\n'])(
  'the key that ends with %p is not one of an acquisition',
  (end) => {
    expect(parseAcquisitionKey('p/', toBytes(`p/${end}`))).toBeUndefined();
  },
);

test('acquisition ids do not repeat', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => newAcquisitionId(systemPrng))).size).toBe(1_000);
});
