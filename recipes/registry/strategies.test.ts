import { describe, expect, test } from '@jest/globals';
import { seededPrng } from '../../core/base/prng.js';
import type { ServiceInstance } from './instance.js';
import {
  type Candidate,
  leastLoaded,
  type PickContext,
  random,
  roundRobin,
  sticky,
  type Strategy,
  weighted,
} from './strategies.js';

const PICKS = 20_000;

function candidate(id: string, parts: Partial<ServiceInstance<unknown>> & { inFlight?: number } = {}): Candidate {
  const { inFlight = 0, ...rest } = parts;
  const instance = {
    service: 's',
    address: id,
    metadata: {},
    weight: 1,
    load: 0,
    drained: false,
    since: '',
    owner: '',
    registrationId: id,
    ...rest,
    id,
  };
  return { instance, inFlight };
}

const plain = (ids: string) => [...ids].map((id) => candidate(id));

/** How often each id is picked. */
function picks(strategy: Strategy, candidates: readonly Candidate[], context: Partial<PickContext> = {}) {
  const choose = strategy.begin();
  const prng = seededPrng(3);
  const counts: Record<string, number> = {};
  for (let pick = 0; pick < PICKS; pick += 1) {
    const { id } = choose(candidates, { prng, ...context }).instance;
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

describe('roundRobin', () => {
  test('picks each in turn', () => {
    const choose = roundRobin().begin();
    const prng = seededPrng(1);

    const order = Array.from({ length: 7 }, () => choose(plain('abc'), { prng }).instance.id);

    expect(order.join('')).toBe('abcabca');
  });

  test('goes on after the last one although others come and go', () => {
    const choose = roundRobin().begin();
    const prng = seededPrng(1);
    const pick = (ids: string) => choose(plain(ids), { prng }).instance.id;

    expect([pick('bcd'), pick('bcd'), pick('abd'), pick('abcd'), pick('ab')].join('')).toBe('bcdab');
  });
});

describe('random', () => {
  test('picks all equally often', () => {
    const counts = picks(random(), plain('abcd'));

    for (const id of 'abcd') expect(counts[id]).toBeCloseTo(PICKS / 4, -3);
  });
});

describe('weighted', () => {
  test('picks in proportion to the weights', () => {
    const counts = picks(weighted(), [candidate('a', { weight: 1 }), candidate('b', { weight: 3 })]);

    expect((counts['b'] as number) / (counts['a'] as number)).toBeCloseTo(3, 0);
  });

  test('picks all equally often if no weight is above 0', () => {
    const counts = picks(weighted(), [candidate('a', { weight: 0 }), candidate('b', { weight: 0 })]);

    expect(counts['a']).toBeCloseTo(PICKS / 2, -3);
  });
});

describe('leastLoaded', () => {
  test('picks the only one there is', () => {
    expect(picks(leastLoaded(), plain('a'))).toEqual({ a: PICKS });
  });

  test('never picks the most loaded of all while there are others', () => {
    const counts = picks(leastLoaded(), [candidate('a'), candidate('b', { inFlight: 9 }), candidate('c')]);

    expect(counts['b']).toBeUndefined();
  });

  test('counts what the instance reports like what this process has in flight', () => {
    expect(picks(leastLoaded(), [candidate('a', { load: 5 }), candidate('b', { inFlight: 4 })])).toEqual({ b: PICKS });
    expect(picks(leastLoaded(), [candidate('a', { load: 3 }), candidate('b', { inFlight: 4 })])).toEqual({ a: PICKS });
  });

  test('expects more of a heavier one', () => {
    const counts = picks(leastLoaded(), [
      candidate('a', { weight: 4, inFlight: 10 }),
      candidate('b', { weight: 1, inFlight: 4 }),
    ]);

    expect(counts).toEqual({ a: PICKS });
  });

  test('spreads calls that are all at one load over all', () => {
    const counts = picks(leastLoaded(), plain('abcd'));

    for (const id of 'abcd') expect(counts[id]).toBeCloseTo(PICKS / 4, -3);
  });
});

describe('sticky', () => {
  const keys = Array.from({ length: 4_000 }, (_, at) => `user ${at}`);
  const choose = sticky().begin();
  const prng = seededPrng(1);
  const pickAll = (candidates: readonly Candidate[]) =>
    keys.map((key) => choose(candidates, { key, prng }).instance.id);
  const shareOf = (id: string, picked: readonly string[]) => picked.filter((one) => one === id).length / keys.length;

  test('picks the same instance for the same key, in every process', () => {
    expect(pickAll(plain('abc'))).toEqual(pickAll([...plain('abc')].reverse()));
  });

  test('spreads keys evenly', () => {
    const picked = pickAll(plain('abcd'));

    for (const id of 'abcd') expect(shareOf(id, picked)).toBeCloseTo(0.25, 1);
  });

  test('moves only the keys of an instance that goes', () => {
    const [before, after] = [pickAll(plain('abcd')), pickAll(plain('abd'))];

    for (const [at, id] of before.entries()) if (id !== 'c') expect(after[at]).toBe(id);
    for (const id of 'abd') expect(shareOf(id, after)).toBeCloseTo(1 / 3, 1);
  });

  test('gives a heavier instance its share', () => {
    const picked = pickAll([candidate('a', { weight: 3 }), candidate('b')]);

    expect(shareOf('a', picked)).toBeCloseTo(0.75, 1);
  });

  test('needs a key, and says so', () => {
    expect(() => choose(plain('a'), { prng })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'key' }),
    );
  });
});
