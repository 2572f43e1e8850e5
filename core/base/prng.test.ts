import { expect, test } from '@jest/globals';
import { between, seededPrng } from './prng.js';

const draw = (seed: number, count: number) => {
  const prng = seededPrng(seed);
  return Array.from({ length: count }, () => prng.next());
};

test('one seed gives one sequence, another seed another', () => {
  expect(draw(7, 20)).toEqual(draw(7, 20));
  expect(draw(7, 20)).not.toEqual(draw(8, 20));
});

test('numbers lie in [0, 1) and are spread evenly', () => {
  const tenths = new Array<number>(10).fill(0);
  for (const number of draw(1, 10_000)) tenths[Math.floor(number * 10)]! += 1;
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

test('between includes both ends and nothing else', () => {
  const prng = seededPrng(3);
  const seen = new Set(Array.from({ length: 200 }, () => between(prng, 5, 8)));
  expect([...seen].sort()).toEqual([5, 6, 7, 8]);
});
