import { between, type Prng } from '../../../base/prng.js';
import type { LogEvent, Operation, StoreCall } from '../history/operation.js';
import { viewOf, type WholeStore, wholeStore } from '../models/store.js';
import { carryOut } from '../store/semantics.js';

/** What a history is made of. */
export interface HistorySizes {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of a hundred operations, how many have an unknown outcome. Half of these are never carried out. */
  readonly unknownPercent?: number;
  /** Of a hundred operations, how many fail. */
  readonly failPercent?: number;
  /** By how many places in the order an interval may reach beyond its own. Default: 6. */
  readonly width?: number;
  /** Whether there are ranges and transactions. Default: no. */
  readonly severalKeys?: boolean;
}

/** A history that is legal, for it was made one operation after the other. */
export interface LegalHistory {
  readonly operations: readonly Operation[];
  readonly log: readonly LogEvent[];
}

/** The time between the moments at which two operations in a row were carried out. */
const PLACE = 100;

/** Carries out random operations one after the other, and then pulls their calls and returns apart. */
export function legalHistory(prng: Prng, sizes: HistorySizes): LegalHistory {
  const run = new Run(prng, sizes);
  for (let place = 1; place <= sizes.operations; place += 1) run.one(place);
  return { operations: widened(run.operations, prng, sizes.width ?? 6), log: run.log };
}

class Run {
  readonly operations: { operation: Operation; place: number }[] = [];
  readonly log: LogEvent[] = [];
  readonly #prng: Prng;
  readonly #sizes: HistorySizes;
  /** A client of which an operation is unknown does no more; another takes its place. */
  readonly #clients: number[];
  #state: WholeStore = wholeStore().initial;
  #lastValue = 0;
  #lastClient: number;

  constructor(prng: Prng, sizes: HistorySizes) {
    this.#prng = prng;
    this.#sizes = sizes;
    this.#clients = Array.from({ length: sizes.clients }, (_, at) => at);
    this.#lastClient = sizes.clients - 1;
  }

  one(place: number): void {
    const { unknownPercent = 0, failPercent = 0 } = this.#sizes;
    const at = between(this.#prng, 0, this.#clients.length - 1);
    const client = this.#clients[at] as number;
    const call = this.#call();
    const stamp = { client, call: place * PLACE };
    const chance = between(this.#prng, 1, 100);
    if (chance <= unknownPercent) {
      if (chance % 2 === 0) this.#carryOut(call);
      this.#lastClient += 1;
      this.#clients[at] = this.#lastClient;
      return this.#record({ ...call, ...stamp, outcome: 'unknown' }, place);
    }
    const timed = { ...stamp, return: place * PLACE };
    if (chance <= unknownPercent + failPercent) return this.#record({ ...call, ...timed, outcome: 'fail' }, place);
    this.#record({ ...this.#carryOut(call), ...call, ...timed, outcome: 'ok' }, place);
  }

  #record(operation: Operation, place: number): void {
    this.operations.push({ operation, place });
  }

  #carryOut(call: StoreCall) {
    const { effects, answer } = carryOut(call, viewOf(this.#state), this.#state.revision);
    for (const [key, stored] of effects) {
      const revision = this.#state.revision + 1;
      this.log.push(stored ? { event: 'put', revision, key, value: stored.value } : { event: 'delete', revision, key });
    }
    const operation = { ...call, client: 0, call: 0, return: 0, outcome: 'ok' } as Operation;
    this.#state = wholeStore().step(this.#state, operation) as WholeStore;
    return answer;
  }

  #call(): StoreCall {
    const key = this.#key();
    this.#lastValue += 1;
    const value = `v${this.#lastValue}`;
    const stored = this.#state.keys.get(key);
    switch (between(this.#prng, 1, this.#sizes.severalKeys ? 13 : 11)) {
      case 1:
      case 2:
      case 3:
        return { op: 'put', key, value };
      case 4:
      case 5:
      case 6:
      case 7:
        return { op: 'get', key };
      case 8:
        return { op: 'delete', key };
      case 9:
        return {
          op: 'cas',
          key,
          expected: this.#mostly(stored?.value ?? null, 'v1'),
          value: this.#mostly(value, null),
        };
      case 10:
        return { op: 'casRevision', key, expectedRevision: this.#mostly(stored?.modRevision ?? 0, 2), value };
      case 11:
        return this.#mostly<StoreCall>({ op: 'create', key, value }, { op: 'append', key, value });
      case 12:
        return { op: 'range', key: 'k', end: 'l' };
      default:
        return this.#transaction(key, value);
    }
  }

  #transaction(key: string, value: string): StoreCall {
    const operand = this.#state.keys.get(key)?.version ?? 0;
    const other = this.#key();
    return {
      op: 'txn',
      compares: [{ key, target: 'version', is: this.#mostly('equal', 'greater'), operand }],
      then: [{ op: 'put', key, value }, ...(other === key ? [] : [{ op: 'delete' as const, key: other }])],
      else: [{ op: 'get', key: other }],
    };
  }

  #key(): string {
    return `k${between(this.#prng, 1, this.#sizes.keys)}`;
  }

  #mostly<T>(one: T, other: T): T {
    return this.#prng.next() < 0.7 ? one : other;
  }
}

/** Each keeps its moment within its interval; a client still does one thing at a time. */
function widened(
  placed: readonly { operation: Operation; place: number }[],
  prng: Prng,
  width: number,
): readonly Operation[] {
  const freeAt = new Map<string | number, number>();
  const nextPlace = new Map<Operation, number>();
  const latest = new Map<string | number, Operation>();
  for (const { operation, place } of placed) {
    const before = latest.get(operation.client);
    if (before) nextPlace.set(before, place);
    latest.set(operation.client, operation);
  }
  return placed.map(({ operation, place }) => {
    const moment = place * PLACE;
    const called = Math.max(freeAt.get(operation.client) ?? 0, moment - between(prng, 0, width * PLACE));
    if (operation.outcome === 'unknown') return { ...operation, call: called };
    const until = (nextPlace.get(operation) ?? Infinity) * PLACE - 2;
    const returned = Math.max(moment, Math.min(until, moment + between(prng, 0, width * PLACE)));
    freeAt.set(operation.client, returned + 1);
    return { ...operation, call: called, return: returned };
  });
}
