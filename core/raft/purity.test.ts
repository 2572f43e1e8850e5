import { expect, test } from '@jest/globals';
import { Simulation } from './testing/simulation.js';

/** Everything through which time, chance or waiting could come in. */
const AMBIENT: readonly (readonly [object: object, name: string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
  [process, 'hrtime'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'queueMicrotask'],
  [globalThis, 'Date'],
  [crypto, 'getRandomValues'],
  [crypto, 'randomUUID'],
];

/** Five members under faults, from the seed on, and how they ended. */
function endOf(seed: number): string {
  const simulation = new Simulation(seed);
  simulation.run(100);
  return `${simulation.describe()} ${JSON.stringify(simulation.counts)}`;
}

test('a run asks neither a clock nor chance, and waits for nothing', () => {
  const originals = AMBIENT.map(([object, name]) => [object, name, Reflect.get(object, name) as unknown] as const);
  let end: string;
  try {
    for (const [object, name] of AMBIENT)
      Reflect.set(object, name, () => {
        throw new Error(`${name} was used`);
      });
    end = endOf(7);
  } finally {
    for (const [object, name, original] of originals) Reflect.set(object, name, original);
  }
  expect(end).toBe(endOf(7));
});

test('a seed replays a run, and another seed is another run', () => {
  expect(endOf(11)).toBe(endOf(11));
  expect(endOf(11)).not.toBe(endOf(12));
});
