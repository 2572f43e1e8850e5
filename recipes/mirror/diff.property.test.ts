import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Change, changeBetween, type Diff, mergeDiffs } from './diff.js';

type State = ReadonlyMap<string, number>;

function apply(state: State, diff: Diff<number> | undefined): State {
  const next = new Map(state);
  for (const change of diff?.changes ?? []) {
    if (change.type === 'removed') next.delete(change.key);
    else next.set(change.key, change.current);
  }
  return next;
}

/** A run of states as the diffs between them. */
function diffsOf(states: readonly State[]): Diff<number>[] {
  return states.slice(1).map((state, at) => {
    const before = states[at] as State;
    const keys = new Set([...before.keys(), ...state.keys()]);
    const changes = [...keys]
      .filter((key) => before.get(key) !== state.get(key))
      .map((key) => changeBetween(key, before.get(key), state.get(key)) as Change<number>);
    return { revision: at + 2, changes };
  });
}

const state = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3)), { selector: ([key]) => key })
  .map((pairs): State => new Map(pairs));

test('merged diffs lead where the diffs one after the other lead, naming each key once and none that came and went', () => {
  fc.assert(
    fc.property(fc.array(state, { minLength: 2, maxLength: 8 }), (states) => {
      const [first, last] = [states[0] as State, states[states.length - 1] as State];

      const merged = mergeDiffs(diffsOf(states));

      expect(apply(first, merged)).toEqual(last);
      const keys = merged?.changes.map(({ key }) => key) ?? [];
      expect(new Set(keys).size).toBe(keys.length);
      for (const change of merged?.changes ?? []) {
        expect(change.type === 'added' ? undefined : change.previous).toBe(first.get(change.key));
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test('diffs that cancel each other out merge to nothing', () => {
  expect(mergeDiffs(diffsOf([new Map(), new Map([['a', 1]]), new Map()]))).toBeUndefined();
});
