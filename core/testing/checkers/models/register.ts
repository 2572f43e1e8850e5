import { isStale, isStoreOperation, type Operation, type Value } from '../history/operation.js';
import { type Model, NotOfThisModel } from '../search/model.js';

/** One key, with as much of its revision as anybody was told. */
export interface Register {
  readonly value: Value;
  /** Of the latest change, 0 if the key does not exist; `undefined` if nobody was told. */
  readonly modRevision: number | undefined;
  /** The latest change, be it a deletion, is of this revision or of a later one. */
  readonly atLeast: number;
  /** Revisions that the latest change is not of, for compares with them did not hold. */
  readonly isNot: readonly number[];
}

interface Change {
  readonly revision?: number | undefined;
}

/**
 * A store in which each key is an object of its own: get, put, append, delete, cas by value and by revision, create. What
 * concerns several keys is for the model of the whole store, which also judges versions.
 */
export const register: Model<Register> = {
  name: 'key',
  initial: { value: null, modRevision: 0, atLeast: 0, isNot: [] },
  hasValues: true,
  isRead: ({ op }) => op === 'get',
  keyOf: ({ value, modRevision, atLeast, isNot }) => JSON.stringify([value, modRevision ?? '?', atLeast, ...isNot]),
  alikeBy: (operation) => JSON.stringify({ ...operation, client: 0, call: 0 }),
  partitionOf,
  step,
};

function partitionOf(operation: Operation): string | undefined {
  if (!isStoreOperation(operation)) return undefined;
  if (!('key' in operation) || 'end' in operation) {
    throw new NotOfThisModel(`${operation.op} is not on one key: the model of the whole store can judge it`);
  }
  return isStale(operation) || ('atRevision' in operation && operation.atRevision) ? undefined : operation.key;
}

function step(state: Register, operation: Operation): Register | undefined {
  switch (operation.op) {
    case 'get':
      return found(state, operation);
    case 'put':
      return changed(state, operation.value, operation);
    case 'append':
      return changed(state, (state.value ?? '') + operation.value, operation);
    case 'delete': {
      const isThere = state.value !== null;
      if (operation.deleted !== undefined && operation.deleted !== Number(isThere)) return undefined;
      return isThere ? changed(state, null, operation) : unchanged(state, operation);
    }
    case 'cas':
      return changedIf(state, state.value === operation.expected, operation);
    case 'create':
      return changedIf(state, state.value === null, operation);
    case 'casRevision':
      return changedIfRevision(state, operation);
    default:
      throw new NotOfThisModel(`${operation.op} is no operation on one key`);
  }
}

function found(state: Register, { value, modRevision, revision }: Operation & { op: 'get' }): Register | undefined {
  if (value !== undefined && value !== state.value) return undefined;
  const bound = modRevision === undefined ? state : boundTo(state, modRevision);
  return bound && unchanged(bound, { revision });
}

function changed(state: Register, value: Value, { revision }: Change): Register | undefined {
  if (revision !== undefined && revision <= state.atLeast) return undefined;
  // Where no revision was ever told, states differ by their values only.
  const atLeast = revision ?? (state.atLeast === 0 ? 0 : state.atLeast + 1);
  return { value, modRevision: value === null ? 0 : revision, atLeast, isNot: [] };
}

/** Whoever was told a revision at which nothing changed was told no less than that of the latest change. */
function unchanged(state: Register, { revision }: Change): Register | undefined {
  return revision === undefined || revision >= state.atLeast ? state : undefined;
}

function changedIf(
  state: Register,
  holds: boolean,
  operation: Operation & { op: 'cas' | 'create' },
): Register | undefined {
  if (operation.result !== undefined && operation.result !== holds) return undefined;
  const changes = holds && !(operation.value === null && state.value === null);
  return changes ? changed(state, operation.value, operation) : unchanged(state, operation);
}

function changedIfRevision(state: Register, operation: Operation & { op: 'casRevision' }): Register | undefined {
  const { expectedRevision, result, value } = operation;
  const bound = boundTo(state, expectedRevision);
  // Of one whose answer nobody had, to be carried out without an effect is not to be carried out at all.
  if (bound && result !== false) return changed(bound, value, operation);
  if (result === true) return undefined;
  if (state.modRevision === expectedRevision) return undefined;
  return unchanged(state.modRevision === undefined ? without(state, expectedRevision) : state, operation);
}

/** The same, if the latest change can be of this revision. */
function boundTo(state: Register, revision: number): Register | undefined {
  if (state.modRevision !== undefined) return state.modRevision === revision ? state : undefined;
  if (revision < state.atLeast || state.isNot.includes(revision)) return undefined;
  return { ...state, modRevision: revision, atLeast: revision, isNot: [] };
}

function without(state: Register, revision: number): Register {
  if (revision < state.atLeast || state.isNot.includes(revision)) return state;
  return { ...state, isNot: [...state.isNot, revision].sort((a, b) => a - b) };
}
