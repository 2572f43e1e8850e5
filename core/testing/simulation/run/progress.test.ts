import { describe, expect, it } from '@jest/globals';
import { Progress, progressLine } from './progress.js';
import { Tally } from './tally.js';
import { resultOf } from './testing/results.js';

function told(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const progress = new Progress({ isTTY, write: (text) => written.push(text) }, () => nowMs);
  const tally = new Tally();
  const pass = (ms: number) => {
    nowMs += ms;
    tally.add(resultOf(1));
    progress.tell(tally, 100);
  };
  return { written, progress, pass };
}

describe('progress', () => {
  it('is one line that is written over on a terminal', () => {
    const { written, progress, pass } = told(true);

    for (let i = 0; i < 10; i += 1) pass(100);
    progress.end();

    expect(written).toHaveLength(6);
    expect(written.every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
  });

  it('is a line now and then elsewhere', () => {
    const { written, progress, pass } = told(false);

    for (let i = 0; i < 100; i += 1) pass(1_000);
    progress.end();

    expect(written).toHaveLength(3);
    expect(written[0]).toBe('30 of 100 seeds, 60 a minute, 0.30 hours simulated\n');
  });

  it('says at once that a seed failed, in a line of its own', () => {
    const { written, progress, pass } = told(true);

    pass(1_000);
    progress.failed(7, 'two leaders\nof one term');

    expect(written.at(-1)).toBe('seed 7 failed: two leaders\n');
    expect(written.at(-2)).not.toContain('\n');
  });

  it('counts failures', () => {
    const tally = new Tally();
    tally.add(resultOf(1, { violation: { what: 'two leaders', simulatedMs: 1 } }));

    expect(progressLine(tally, 2 ** 31, 60_000)).toBe('1 seeds, 1 failed, 1 a minute, 0.01 hours simulated');
  });
});
