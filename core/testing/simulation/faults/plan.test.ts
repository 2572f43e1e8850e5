import { describe, expect, it } from '@jest/globals';
import { Dice } from '../../../raft/testing/dice.js';
import { resolveSettings } from '../../../server/settings.js';
import { Chances } from '../chance.js';
import { drawFaults, FAULT_KINDS, kindOf } from './plan.js';
import { drawSeedOptions } from './seed-options.js';

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed + 1);

function draw(seed: number) {
  const chances = new Chances(seed);
  const options = drawSeedOptions(new Dice(chances.of('options')));
  return { options, faults: drawFaults((name) => new Dice(chances.of(name)), options) };
}

const DRAWN = SEEDS.map(draw);

describe('what happens to a world', () => {
  it('follows from its seed', () => {
    expect(draw(7)).toEqual(DRAWN[6]);
    expect(draw(8)).not.toEqual(DRAWN[6]);
  });

  it('is plain data, the same after it was written and read', () => {
    for (const { faults, options } of DRAWN.slice(0, 50)) {
      expect(JSON.parse(JSON.stringify(faults))).toEqual(faults);
      expect(JSON.parse(JSON.stringify(options))).toEqual(options);
    }
  });

  it('comes in the order of time, within the time for it', () => {
    for (const { faults, options } of DRAWN) {
      const times = faults.map(({ atMs }) => atMs);
      expect(times).toEqual([...times].sort((one, other) => one - other));
      expect(times.every((atMs) => atMs >= 0 && atMs < options.safetyMs)).toBe(true);
    }
  });

  it('leaves each kind out of about as many seeds as it should', () => {
    for (const { name, share } of FAULT_KINDS.values()) {
      const seedCount = DRAWN.filter(({ faults }) => faults.some(({ kind }) => kind === name)).length;
      expect({ name, isRare: seedCount / SEEDS.length <= share + 0.1 }).toEqual({ name, isRare: true });
    }
  });

  it('has every kind in some seed', () => {
    const kinds = new Set(DRAWN.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([...FAULT_KINDS.keys()].sort());
  });

  it('keeps to the limit of a kind', () => {
    const limits = [...FAULT_KINDS.values()].map(({ name, most = Infinity }) => ({ name, most }));
    const isExceeded = ({ name, most }: (typeof limits)[number]) =>
      DRAWN.some(({ faults }) => faults.filter(({ kind }) => kind === name).length > most);
    expect(limits.filter(isExceeded)).toEqual([]);
  });

  it('is of a kind that is known', () => {
    expect(() => kindOf({ kind: 'rain' as 'kill' })).toThrow("there is no fault 'rain'");
  });
});

describe('what a world is like', () => {
  it('has settings that a member takes', () => {
    for (const { options } of DRAWN) {
      expect(() => resolveSettings(options.settings)).not.toThrow();
      expect(() => resolveSettings(options.otherSettings)).not.toThrow();
    }
  });

  it('has one, three, five or seven voters, three most often', () => {
    const counts = new Map<number, number>();
    for (const { options } of DRAWN) counts.set(options.voterCount, (counts.get(options.voterCount) ?? 0) + 1);

    expect([...counts.keys()].sort()).toEqual([1, 3, 5, 7]);
    expect(counts.get(3)).toBe(Math.max(...counts.values()));
  });

  it('goes beyond what the store promises in few seeds', () => {
    const usual = DRAWN.filter(({ options }) => options.mode === 'usual').length;

    expect(usual / SEEDS.length).toBeGreaterThan(0.8);
    expect(new Set(DRAWN.map(({ options }) => options.mode)).size).toBe(3);
  });
});
