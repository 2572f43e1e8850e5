import { afterAll, describe, expect, test } from '@jest/globals';
import { Chance } from './chance.js';
import { codecTarget } from './codec-target.js';
import { mutate } from './mutate.js';
import { runTarget } from './run-target.js';
import type { FuzzTarget } from './target.js';
import { TARGETS } from './targets.js';

/** Tried here of a target that takes ten thousand a second; of slower ones fewer. */
const INPUTS = 1_000;
const USUAL_PER_SECOND = 10_000;
const SEED = 20_261_121;

afterAll(async () => {
  for (const { close } of TARGETS) await close?.();
});

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (_name, target) => {
  test('withstands whatever it is given', async () => {
    const { inputsPerSecond = USUAL_PER_SECOND } = target;
    const inputs = Math.max(10, Math.round((INPUTS * Math.min(inputsPerSecond, USUAL_PER_SECOND)) / USUAL_PER_SECOND));

    const { failure, verdicts } = await runTarget(target, { seed: SEED, inputs });

    expect(failure).toBeUndefined();
    expect(Math.min(verdicts.read, verdicts.refused)).toBeGreaterThan(0);
  });
});

describe('the search for what is wrong', () => {
  const text = (decode: (bytes: Buffer) => string): FuzzTarget =>
    codecTarget('text', 'a text of digits', {
      draw: (chance) => String(chance.count()),
      encode: (value) => Buffer.from(value),
      decode,
      refusals: [SyntaxError],
    });
  const run = (target: FuzzTarget) => runTarget(target, { seed: 7, inputs: 2_000 });
  const digits = (bytes: Buffer) => {
    if (!/^\d+$/.test(bytes.toString('latin1'))) throw new SyntaxError('not digits');
    return bytes.toString('latin1');
  };

  test('finds nothing where nothing is wrong', async () => {
    expect((await run(text(digits))).failure).toBeUndefined();
  });

  test('finds an error that is not documented', async () => {
    const { failure } = await run(
      text((bytes) => (bytes.includes(0xff) ? ((null as never as string[])[0] as string) : digits(bytes))),
    );
    expect(failure?.why).toContain('an error that is not documented: TypeError');
  });

  test('finds what is read otherwise than it was written', async () => {
    const { failure } = await run(text((bytes) => digits(bytes).replace(/9$/, '8')));
    expect(failure).toMatchObject({ why: expect.stringContaining('not so: what was') });
  });

  test('finds what allocates by a length that is only said', async () => {
    const { failure } = await run(
      text((bytes) => {
        if (bytes[0] === 0xff) Buffer.alloc(16 * 1024 * 1024);
        return digits(bytes);
      }),
    );
    expect(failure?.why).toContain('bytes are allocated for an input of');
  });

  test('finds what takes too long', async () => {
    const slow = { ...text(digits), timeMsMax: 0 };
    expect((await run(slow)).failure?.why).toContain('it takes');
  });

  test('repeats by seed and number', async () => {
    const target = text((bytes) => digits(bytes).replace(/7$/, '6'));
    const { failure } = await run(target);
    const again = await runTarget(target, { seed: 7, from: failure?.number ?? 0, inputs: 1 });
    expect(again.failure).toMatchObject({ number: failure?.number, hex: failure?.hex });
  });

  test('mutations are what the chance says, and differ', () => {
    const all = Array.from({ length: 200 }, (_, number) =>
      mutate(Buffer.from('a value'), Chance.of('x', 1, number)).toString('hex'),
    );
    const again = Array.from({ length: 200 }, (_, number) =>
      mutate(Buffer.from('a value'), Chance.of('x', 1, number)).toString('hex'),
    );
    expect(again).toEqual(all);
    expect(new Set(all).size).toBeGreaterThan(150);
  });
});
