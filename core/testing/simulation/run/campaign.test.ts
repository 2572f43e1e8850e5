import { describe, expect, it } from '@jest/globals';
import { parseSimulationArguments } from './arguments.js';
import { Campaign, type CampaignParts } from './campaign.js';
import { Progress } from './progress.js';
import { explain, report, summarize } from './report.js';
import type { SeedResult } from './seed-result.js';
import { ArtificialRunner, resultOf, someKills } from './testing/results.js';

const BROKEN = { what: 'm2 lost what was acknowledged at 17', simulatedMs: 4_321 };

function campaign(line: string, runners: readonly ArtificialRunner[], parts: Partial<CampaignParts> = {}) {
  const settings = parseSimulationArguments(line.split(' ').filter(Boolean), () => 1);
  let nowMs = 0;
  const progress = new Progress({ write: () => undefined }, () => (nowMs += 10));
  const signal = new AbortController().signal;
  return new Campaign(settings, { runners, corpus: [], progress, signal, ...parts });
}

/** In this world seed 5 fails if the third and the eighth of ten kills happen. */
function failing(): ArtificialRunner {
  return new ArtificialRunner(({ seed, faults = someKills(10) }) => {
    const times = faults.map(({ atMs }) => atMs);
    const fails = seed === 5 && times.includes(3_000) && times.includes(8_000);
    return resultOf(seed, { faults, ...(fails && { violation: BROKEN, lastEvents: ['m2  is elected'] }) });
  });
}

describe('a campaign', () => {
  it('runs each seed once, side by side', async () => {
    const runners = [
      new ArtificialRunner(({ seed }) => resultOf(seed)),
      new ArtificialRunner(({ seed }) => resultOf(seed)),
    ];

    const { tally, failures } = await campaign('--seeds 10 --from 3 --jobs 2', runners).run();

    const seeds = runners.flatMap(({ tasks }) => tasks.map(({ seed }) => seed)).sort((one, other) => one - other);
    expect(seeds).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(runners.every(({ tasks }) => tasks.length > 0)).toBe(true);
    expect(failures).toEqual([]);
    expect(tally).toMatchObject({ seedCount: 10, simulatedMs: 360_000, operations: 1_000, calmSeeds: [] });
    expect(tally.effective.get('kill')).toEqual({ count: 30, seedCount: 10 });
  });

  it('runs the seeds first that failed once, with what was pinned', async () => {
    const runner = new ArtificialRunner(({ seed }) => resultOf(seed));
    const corpus = [{ seed: 99, found: 'a lost write', faults: someKills(2) }];

    await campaign('--seeds 2', [runner], { corpus }).run();

    expect(runner.tasks.map(({ seed }) => seed)).toEqual([99, 1, 2]);
    expect(runner.tasks[0]?.faults).toHaveLength(2);
  });

  it('stops at a seed that fails, and finds out which of its faults it needs', async () => {
    const runner = failing();

    const { failures } = await campaign('--seeds 10', [runner]).run();

    expect(failures).toHaveLength(1);
    expect(failures[0]?.result.seed).toBe(5);
    expect(failures[0]?.shrunk).toMatchObject({ isMinimal: true });
    expect(failures[0]?.shrunk?.items.map(({ atMs }) => atMs)).toEqual([3_000, 8_000]);
    expect(runner.tasks.map(({ seed }) => seed)).not.toContain(6);
  });

  it('does not take another failure for the same one', async () => {
    const runner = new ArtificialRunner(({ seed, faults = someKills(4) }) => {
      const what = faults.length === 4 ? 'two leaders in term 3' : 'the process ended';
      return resultOf(seed, { faults, violation: { what, simulatedMs: 1 } });
    });

    const { failures } = await campaign('--seeds 1', [runner]).run();

    expect(failures[0]?.shrunk?.items).toHaveLength(4);
  });

  it('says so if the list of faults alone does not make it fail', async () => {
    const runner = new ArtificialRunner(({ seed, faults }) =>
      resultOf(seed, { faults: faults ?? someKills(3), ...(faults === undefined && { violation: BROKEN }) }),
    );

    const { failures } = await campaign('--seeds 1', [runner]).run();

    expect(failures[0]?.remark).toContain('does not fail in the same way');
    expect(failures[0]?.shrunk).toBeUndefined();
  });

  it('goes on after a failure if it is told to', async () => {
    const { tally, failures } = await campaign('--seeds 10 --keep-going --shrink-runs 0', [failing()]).run();

    expect(tally.seedCount).toBe(10);
    expect(failures.map(({ result }) => result.seed)).toEqual([5]);
  });

  it('has one hash for all traces, whoever runs them and whatever ends first', async () => {
    const hashOf = async (text: string, count: number, traceHash?: string) => {
      const given = traceHash === undefined ? {} : { traceHash };
      const runners = Array.from({ length: count }, () => new ArtificialRunner(({ seed }) => resultOf(seed, given)));
      return (await campaign(text, runners).run()).tally.traceHash;
    };
    const hash = await hashOf('--seeds 5', 1);

    expect(await hashOf('--seeds 5', 2)).toBe(hash);
    expect(await hashOf('--seeds 4', 1)).not.toBe(hash);
    expect(await hashOf('--seeds 5', 1, 'another')).not.toBe(hash);
  });

  it('runs a seed twice in two processes and compares', async () => {
    const isOdd = ({ seed }: SeedResult) => seed % 2 === 1;
    const runner = new ArtificialRunner(({ seed }, runCount) => {
      const result = resultOf(seed);
      return isOdd(result) && runCount === 2 ? { ...result, traceHash: 'another' } : result;
    });

    const { failures, twiceCount } = await campaign('--seeds 3 --twice', [runner]).run();

    expect(runner.closeCount).toBe(1);
    expect(twiceCount).toBe(1);
    expect(failures[0]?.result.violation?.what).toBe(
      'the same seed gave another trace in another process: trace of 1 and another',
    );
  });

  it('ends when its time is over', async () => {
    // Every look at the clock takes 10 ms in this world.
    const { tally } = await campaign('--seconds 1', [new ArtificialRunner(({ seed }) => resultOf(seed))]).run();

    expect(tally.seedCount).toBeGreaterThan(10);
    expect(tally.seedCount).toBeLessThan(100);
  });
});

describe('the report', () => {
  it('tells how much was done, what was hit, and what was never reached', async () => {
    const result = await campaign('--seeds 2', [new ArtificialRunner(({ seed }) => resultOf(seed))]).run();

    const text = report(result, new Set(['elected', 'a snapshot was installed']));

    expect(text).toContain('2 seeds in');
    expect(text).toMatch(/^ {2}kill +6 +2$/m);
    expect(text).toMatch(/^ {2}split +0 +0$/m);
    expect(text).toMatch(/^ {2}elected +2$/m);
    expect(text.slice(text.indexOf('never reached'))).toContain('a snapshot was installed');
    expect(JSON.parse(JSON.stringify(summarize(result)))).toMatchObject({ seeds: 2, failures: [] });
  });

  it('names a seed in which too little happened', async () => {
    const calm = new ArtificialRunner(({ seed }) => resultOf(seed, { effective: new Map([['kill', 9]]) }));

    expect(report(await campaign('--seeds 1', [calm]).run(), new Set())).toContain('too little happened in: 1');
  });

  it('tells of a failure what is needed to see it again', async () => {
    const { failures } = await campaign('--seeds 10', [failing()]).run();

    const text = explain(failures[0]!);

    expect(text).toMatch(/^violation: m2 lost what was acknowledged at 17$/m);
    expect(text).toContain('seed 5 FAILED at 4.321 s');
    expect(text).toContain('m2  is elected');
    expect(text).toContain('2 of 10 faults, none of which can be left out');
    expect(text).toContain('npm run sim -- --seed 5');
    const list = text.split('\n').find((line) => line.startsWith('['));
    expect(JSON.parse(list ?? '')).toEqual(failures[0]?.shrunk?.items);
  });
});
