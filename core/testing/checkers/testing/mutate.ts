import { between, type Prng } from '../../../base/prng.js';
import type { LogEvent, Operation } from '../history/operation.js';
import type { LegalHistory } from './generate.js';

/** One thing of a history that is made wrong; what comes out may happen to be legal all the same. */
export type Mutation = (history: LegalHistory, prng: Prng) => LegalHistory;

/** By what they do. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'two values are swapped': (history, prng) => {
    const withValue = history.operations.filter(
      ({ outcome, op }) => outcome === 'ok' && (op === 'get' || op === 'put'),
    );
    const [one, other] = [pick(withValue, prng), pick(withValue, prng)];
    if (!one || !other) return history;
    const values = new Map([
      [one, (other as { value: string }).value],
      [other, (one as { value: string }).value],
    ]);
    return changed(history, (operation) =>
      values.has(operation) ? ({ ...operation, value: values.get(operation) } as Operation) : operation,
    );
  },
  'a revision is lowered': (history, prng) => {
    const told = pick(
      history.operations.filter(({ revision }) => (revision ?? 0) > 1),
      prng,
    );
    const by = between(prng, 1, 3);
    return changed(history, (operation) =>
      operation === told ? { ...operation, revision: Math.max(1, (operation.revision as number) - by) } : operation,
    );
  },
  'an acknowledged write is dropped from the log': (history, prng) => {
    const dropped = pick(history.log, prng)?.revision;
    const log = history.log.filter(({ revision }) => revision !== dropped).map((event) => earlier(event, dropped));
    return { ...history, log };
  },
  'an operation is forgotten': (history, prng) => {
    const forgotten = pick(history.operations, prng);
    return { ...history, operations: history.operations.filter((operation) => operation !== forgotten) };
  },
  'an effect is there twice': (history, prng) => {
    const again = pick(history.log, prng);
    const last = history.log.at(-1)?.revision ?? 1;
    return again ? { ...history, log: [...history.log, { ...again, revision: last + 1 }] } : history;
  },
  'an interval is shifted': (history, prng) => {
    const shifted = pick(
      history.operations.filter(({ outcome }) => outcome === 'ok'),
      prng,
    );
    const by = between(prng, 0, 1) === 0 ? -between(prng, 100, 2_000) : between(prng, 100, 2_000);
    return changed(history, (operation) =>
      operation === shifted
        ? { ...operation, call: operation.call + by, return: (operation.return as number) + by }
        : operation,
    );
  },
  'a condition is said to have held, or not': (history, prng) => {
    const told = pick(
      history.operations.filter(({ result }) => result !== undefined),
      prng,
    );
    return changed(history, (operation) =>
      operation === told ? { ...operation, result: !operation.result } : operation,
    );
  },
  'a write that failed was carried out': (history, prng) => {
    const carriedOut = pick(
      history.operations.filter(({ outcome, op, revision }) => outcome === 'ok' && op === 'put' && revision),
      prng,
    );
    return changed(history, (operation) => (operation === carriedOut ? { ...operation, outcome: 'fail' } : operation));
  },
};

function changed(history: LegalHistory, change: (operation: Operation) => Operation): LegalHistory {
  return { ...history, operations: history.operations.map(change) };
}

function earlier(event: LogEvent, dropped: number | undefined): LogEvent {
  return dropped !== undefined && event.revision > dropped ? { ...event, revision: event.revision - 1 } : event;
}

function pick<T>(from: readonly T[], prng: Prng): T | undefined {
  return from[between(prng, 0, from.length - 1)];
}
