import type { LogEvent, Operation } from '../history/operation.js';

/**
 * The slow and plain way, to judge the checkers by: every order of at most seven operations on single keys that agrees
 * with real time, with and without each unknown one. It shares no code with them.
 *
 * @param log - if given, the order must make just this
 */
export function isLegal(operations: readonly Operation[], log?: readonly LogEvent[]): boolean {
  const relevant = operations.filter(({ outcome }) => outcome !== 'fail');
  if (relevant.length > 7) throw new Error('too many to try them all');
  return tryAll(relevant, { keys: {}, revision: 1, made: [] }, log);
}

interface OneKey {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

interface Keys {
  readonly keys: Readonly<Record<string, OneKey | undefined>>;
  readonly revision: number;
  readonly made: readonly string[];
}

function tryAll(left: readonly Operation[], state: Keys, log: readonly LogEvent[] | undefined): boolean {
  const isOver = left.every(({ outcome }) => outcome === 'unknown');
  const isMade = !log || JSON.stringify(log.map(eventText)) === JSON.stringify(state.made);
  if (isOver && isMade) return true;
  return left.some((operation) => {
    if (left.some((other) => (other.return ?? Infinity) < operation.call)) return false;
    const after = carryOut(operation, state);
    return (
      after !== undefined &&
      tryAll(
        left.filter((other) => other !== operation),
        after,
        log,
      )
    );
  });
}

function carryOut(operation: Operation, state: Keys): Keys | undefined {
  if (!('key' in operation)) throw new Error('single keys only');
  const { key, revision: told, outcome } = operation;
  const stored = state.keys[key];
  const judged = outcome === 'ok';
  const unlessTold = (is: unknown, was: unknown) => judged && was !== undefined && was !== is;
  const put = (value: string): Keys => {
    const revision = state.revision + 1;
    const made = [...state.made, `put ${revision} ${key} ${value}`];
    const { createRevision, version } = stored ?? { createRevision: revision, version: 0 };
    const now: OneKey = { value, createRevision, modRevision: revision, version: version + 1 };
    return { keys: { ...state.keys, [key]: now }, revision, made };
  };
  const remove = (): Keys => {
    if (!stored) return state;
    const revision = state.revision + 1;
    return { keys: { ...state.keys, [key]: undefined }, revision, made: [...state.made, `delete ${revision} ${key}`] };
  };
  const write = (value: string | null) => (value === null ? remove() : put(value));
  let after: Keys;
  switch (operation.op) {
    case 'get':
      if (unlessTold(stored?.value ?? null, operation.value)) return undefined;
      if (unlessTold(stored?.modRevision ?? 0, operation.modRevision)) return undefined;
      if (unlessTold(stored?.createRevision ?? 0, operation.createRevision)) return undefined;
      if (unlessTold(stored?.version ?? 0, operation.version)) return undefined;
      after = state;
      break;
    case 'put':
      after = put(operation.value);
      break;
    case 'append':
      after = put(`${stored ? stored.value : ''}${operation.value}`);
      break;
    case 'delete':
      if (unlessTold(stored ? 1 : 0, operation.deleted)) return undefined;
      after = remove();
      break;
    case 'cas':
    case 'create':
    case 'casRevision': {
      const holds =
        operation.op === 'casRevision'
          ? operation.expectedRevision === (stored ? stored.modRevision : 0)
          : (operation.op === 'create' ? null : operation.expected) === (stored ? stored.value : null);
      if (unlessTold(holds, operation.result)) return undefined;
      after = holds ? write(operation.value) : state;
      break;
    }
    default:
      throw new Error(`the oracle knows no ${operation.op}`);
  }
  return unlessTold(after.revision, told) ? undefined : after;
}

function eventText({ event, revision, key, value }: LogEvent): string {
  return event === 'put' ? `put ${revision} ${key} ${value}` : `delete ${revision} ${key}`;
}
