import { describe, expect, it } from '@jest/globals';
import type { Fault } from '../faults/fault.js';
import { runSeed } from './run-seed.js';
import type { SeedResult } from './seed-result.js';
import { isEventful } from './tally.js';

/** Others are run by `main.test.ts`, in a process of their own. */
const SEEDS = [9, 20];

/** What a result says beside its trace. */
function shown({ seed, violation, lastEvents }: SeedResult): object {
  return violation === undefined ? { seed } : { seed, violation, lastEvents: lastEvents.slice(-20) };
}

describe('a world from a number', () => {
  it.each(SEEDS)(
    'keeps every promise, while enough happens to it: seed %d',
    async (seed) => {
      const result = await runSeed(seed);

      expect(shown(result)).toEqual({ seed });
      expect(isEventful(result.effective)).toBe(true);
      expect(result.simulatedMs).toBeGreaterThan(30_000);
      expect(result.operations).toBeGreaterThan(10);
    },
    60_000,
  );

  it('goes the same way twice', async () => {
    const [first, second] = [await runSeed(9), await runSeed(9)];

    expect(second.traceHash).toBe(first.traceHash);
    expect(second.events).toBe(first.events);
    expect(second.faults).toEqual(first.faults);
    expect((await runSeed(19)).traceHash).not.toBe(first.traceHash);
  }, 60_000);

  it('has the faults that it is given, and no others', async () => {
    const kill: Fault = { atMs: 3_000, kind: 'kill', victim: { role: 'leader', pick: 0 }, downMs: 500 };

    const result = await runSeed(9, { faults: [kill] });

    expect(result.faults).toEqual([kill]);
    expect([...result.effective]).toEqual([['kill', 1]]);
  }, 60_000);

  it('tells of a promise that was broken, when, and what happened before', async () => {
    const absurd = { atMs: 2_000, kind: 'kill', downMs: 100 } as unknown as Fault;

    const result = await runSeed(9, { faults: [absurd] });

    expect(result.violation?.what).toContain("the fault 'kill' failed");
    expect(result.violation?.simulatedMs).toBeGreaterThanOrEqual(2_000);
    expect(result.lastEvents.join('\n')).toContain('fault: kill');
  }, 60_000);
});
