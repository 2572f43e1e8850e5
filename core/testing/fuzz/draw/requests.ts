import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../../base/operation.js';
import type { Chance } from '../chance.js';

/** What requests are made of: anything, or so little that they have to do with each other. */
export interface Words {
  readonly key: (chance: Chance) => Uint8Array;
  readonly end: (chance: Chance) => Uint8Array;
  readonly value: (chance: Chance) => Uint8Array;
  /** 0 is none. */
  readonly lease: (chance: Chance) => bigint;
  /** A revision, a version or a limit. */
  readonly number: (chance: Chance) => number;
}

/** Nested no deeper than this; deeper ones are made by mutation. */
const DEPTH_MAX = 3;
const SORT_TARGETS = ['key', 'version', 'createRevision', 'modRevision', 'value'] as const;
const SORT_ORDERS = ['none', 'ascend', 'descend'] as const;
const COMPARED = ['version', 'createRevision', 'modRevision', 'lease', 'value'] as const;
const RANGE_NUMBERS = [
  'limit',
  'revision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
] as const;

/** Draws what is asked of a store, as the codec gives it back: what has its default value is absent. */
export class Requests {
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  put(chance: Chance): PutRequest {
    const lease = this.#words.lease(chance);
    return {
      type: 'put',
      key: this.#words.key(chance),
      value: this.#words.value(chance),
      ...(lease !== 0n && chance.oneIn(2) && { lease }),
      ...(chance.oneIn(3) && { previous: true }),
      ...(chance.oneIn(6) && { ignoreValue: true }),
      ...(chance.oneIn(6) && { ignoreLease: true }),
    };
  }

  delete(chance: Chance): DeleteRequest {
    return { type: 'delete', ...this.#keys(chance), ...(chance.oneIn(3) && { previous: true }) };
  }

  range(chance: Chance): RangeRequest {
    const [sortTarget, sortOrder] = [chance.pick(SORT_TARGETS), chance.pick(SORT_ORDERS)];
    const isSorted = sortTarget !== 'key' || sortOrder !== 'none';
    const request: Record<string, unknown> = {
      type: 'range',
      ...this.#keys(chance),
      ...(isSorted && { sortTarget, sortOrder }),
      ...(chance.oneIn(3) && { serializable: true }),
      ...(chance.oneIn(3) && { keysOnly: true }),
      ...(chance.oneIn(3) && { countOnly: true }),
    };
    for (const name of RANGE_NUMBERS) {
      const value = chance.oneIn(4) ? this.#words.number(chance) : 0;
      if (value !== 0) request[name] = value;
    }
    return request as unknown as RangeRequest;
  }

  /** Its branches may change one key twice. */
  txn(chance: Chance, depth = 0): TxnRequest {
    const branch = () => chance.list(4, () => this.#operation(chance, depth + 1));
    return { type: 'txn', compares: chance.list(4, () => this.#compare(chance)), success: branch(), failure: branch() };
  }

  #operation(chance: Chance, depth: number): Operation {
    switch (chance.between(0, depth < DEPTH_MAX ? 3 : 2)) {
      case 0:
        return this.put(chance);
      case 1:
        return this.delete(chance);
      case 2:
        return this.range(chance);
      default:
        return this.txn(chance, depth);
    }
  }

  #compare(chance: Chance): Compare {
    const { lease, value, number } = this.#words;
    const result = chance.pick(['equal', 'greater', 'less', 'notEqual'] as const);
    const range = { ...this.#keys(chance), result };
    const target = chance.pick(COMPARED);
    if (target === 'lease') return { ...range, target, operand: lease(chance) };
    if (target === 'value') return { ...range, target, operand: value(chance) };
    return { ...range, target, operand: number(chance) };
  }

  #keys(chance: Chance): { readonly key: Uint8Array; readonly end?: Uint8Array } {
    const end = chance.maybe(() => this.#words.end(chance));
    return { key: this.#words.key(chance), ...(end && { end }) };
  }
}

/** Of anything. */
export const anyRequests = new Requests({
  key: (chance) => chance.bytes(),
  end: (chance) => chance.bytes(),
  value: (chance) => chance.bytes(400),
  lease: (chance) => chance.signedId(),
  number: (chance) => chance.integer(),
});
