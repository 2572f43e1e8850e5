import { isRead, isStale, isStoreOperation, type Operation } from '../history/operation.js';
import type { Model } from '../search/model.js';
import { carryOut, differenceOf, type Effects, isWithin, type Stored, type View } from '../store/semantics.js';

/** All keys, in order, and the store's revision. */
export interface WholeStore {
  readonly revision: number;
  readonly keys: ReadonlyMap<string, Stored>;
}

/**
 * The whole store as one object: ranges, and transactions over several keys. Revisions are judged where they were told,
 * so the history must have everybody who changes anything.
 *
 * @param revision - of the store when it was empty
 */
export function wholeStore(revision = 1): Model<WholeStore> {
  return {
    name: 'store',
    initial: { revision, keys: new Map() },
    isRead,
    keyOf: (state) => JSON.stringify([state.revision, ...state.keys]),
    alikeBy: (operation) => JSON.stringify({ ...operation, client: 0, call: 0 }),
    partitionOf,
    step,
  };
}

/** What may answer the past is for the replay checker. */
function partitionOf(operation: Operation): string | undefined {
  const isPresent = isStoreOperation(operation) && !isStale(operation);
  return isPresent && !('atRevision' in operation && operation.atRevision) ? 'as a whole' : undefined;
}

function step(state: WholeStore, operation: Operation): WholeStore | undefined {
  if (!isStoreOperation(operation)) return undefined;
  const { effects, answer } = carryOut(operation, viewOf(state), state.revision);
  if (operation.outcome !== 'unknown' && differenceOf(operation, answer)) return undefined;
  if (effects.size === 0) return state;
  return { revision: state.revision + 1, keys: withEffects(state.keys, effects) };
}

/** A state as operations see it. */
export function viewOf({ keys }: WholeStore): View {
  return {
    get: (key) => keys.get(key),
    *range(key, end) {
      for (const entry of keys) if (isWithin(entry[0], key, end)) yield entry;
    },
  };
}

function withEffects(keys: ReadonlyMap<string, Stored>, effects: Effects): ReadonlyMap<string, Stored> {
  const after = new Map(keys);
  let isInOrder = true;
  for (const [key, stored] of effects) {
    if (!stored) after.delete(key);
    else {
      isInOrder &&= after.has(key);
      after.set(key, stored);
    }
  }
  return isInOrder ? after : new Map([...after].sort(([a], [b]) => (a < b ? -1 : 1)));
}
