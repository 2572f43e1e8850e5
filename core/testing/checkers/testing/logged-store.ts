import type { LogEvent, Operation } from '../history/operation.js';
import { type WholeStore, wholeStore } from '../models/store.js';
import type { Model } from '../search/model.js';

/**
 * The whole store, each change of which must be that of the write log: with it the search judges by the very rules of the
 * replay checker, in its own way. {@link atTheEnd} has to be the history's last operation.
 */
export function loggedStore(log: readonly LogEvent[]): Model<WholeStore> {
  const store = wholeStore();
  const expected = new Map<number, string[]>();
  for (const event of log) {
    const texts = expected.get(event.revision) ?? [];
    expected.set(event.revision, [...texts, textOf(event.key, event.value)].sort());
  }
  return {
    ...store,
    step(state, operation) {
      const after = store.step(state, operation);
      if (!after || after === state) return after;
      const keys = new Set([...state.keys.keys(), ...after.keys.keys()]);
      const made = [...keys]
        .filter((key) => state.keys.get(key) !== after.keys.get(key))
        .map((key) => textOf(key, after.keys.get(key)?.value))
        .sort();
      return JSON.stringify(made) === JSON.stringify(expected.get(after.revision)) ? after : undefined;
    },
  };
}

/** A look at everything after all else, which finds that the whole log was made. */
export function atTheEnd(operations: readonly Operation[], log: readonly LogEvent[]): Operation {
  const time = Math.max(0, ...operations.map((operation) => Math.max(operation.call, operation.return ?? 0))) + 1;
  const revision = log.at(-1)?.revision ?? 1;
  return { op: 'range', key: '', end: '\0', client: 'end', call: time, return: time, outcome: 'ok', revision };
}

function textOf(key: string, value: string | undefined): string {
  return value === undefined ? `delete ${key}` : `put ${key} ${value}`;
}
