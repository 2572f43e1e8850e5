import type { Call, Operation, PartAnswer } from '../history/operation.js';
import type { Model } from '../search/model.js';
import { checkLinearizable } from '../search/search.js';

type Times = readonly [call: number, returned: number];

/** An operation that was answered. */
export function did(client: string, times: Times, call: Call, answer: PartAnswer = {}): Operation {
  const [called, returned] = times;
  return { ...answer, ...call, client, call: called, return: returned, outcome: 'ok' } as Operation;
}

/** An operation of which nobody knows what became of it. */
export function lost(client: string, called: number, call: Call): Operation {
  return { ...call, client, call: called, outcome: 'unknown' };
}

/** What a model says of a history. */
export function verdictOf<S>(model: Model<S>, ...operations: readonly Operation[]): string {
  return checkLinearizable(operations, model).verdict;
}
