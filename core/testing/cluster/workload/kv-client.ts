import type { Compare, Operation, OperationResult } from '../../../base/operation.js';
import { between } from '../../../base/prng.js';
import { get, modRevision, put, remove, type TxnAnswer, value as valueOf, version } from '../../../txn.js';
import { foundAnswer } from '../../checkers/history/history.js';
import type { PartAnswer, StoreCall } from '../../checkers/history/operation.js';
import type { KeyGroup } from './key-group.js';
import { isPassing, mayHaveHappened, rest, type Surroundings } from './surroundings.js';

const AFTER_FAILURE_MS = 30;
const SEEN_MAX = 64;

/** What the client found when it last looked: what its conditions are made of. */
interface Seen {
  readonly value: string | null;
  readonly modRevision: number;
}

/**
 * Reads, writes, deletes, writes on conditions and in transactions, one after the other, values that are never written twice.
 * Everything is recorded, with all that was answered.
 */
export class KvClient {
  readonly #name: string;
  readonly #group: Pick<KeyGroup, 'key' | 'pair'>;
  readonly #with: Surroundings;
  readonly #seen = new Map<string, Seen>();
  #lastValue = 0;

  constructor(name: string, group: Pick<KeyGroup, 'key' | 'pair'>, surroundings: Surroundings) {
    this.#name = name;
    this.#group = group;
    this.#with = surroundings;
  }

  /** Works until it shall end. */
  async work(): Promise<void> {
    const { signal, store } = this.#with;
    while (!signal.aborted) {
      const isDone = await this.workOnce();
      if (!isDone) await rest(AFTER_FAILURE_MS, signal, store.clock);
    }
  }

  /** @returns whether it was answered */
  workOnce(): Promise<boolean> {
    return this.#record(this.#draw());
  }

  #draw(): StoreCall {
    const { prng } = this.#with;
    const kind = between(prng, 1, 100);
    if (kind <= 8) return this.#txn();
    const key = this.#group.key(prng);
    const seen = this.#seen.get(key) ?? { value: null, modRevision: 0 };
    if (kind <= 34) return { op: 'get', key };
    if (kind <= 42) return { op: 'get', key, serializable: true };
    if (kind <= 52) return { op: 'delete', key };
    const value = this.#newValue();
    if (kind <= 62) return { op: 'cas', key, expected: seen.value, value };
    if (kind <= 70) return { op: 'casRevision', key, expectedRevision: seen.modRevision, value };
    if (kind <= 75) return { op: 'create', key, value };
    return { op: 'put', key, value };
  }

  /** Both keys of a pair are written, or one of them deleted, if neither has changed; otherwise both are read. */
  #txn(): StoreCall {
    const { prng } = this.#with;
    const [one, other] = this.#group.pair(prng);
    const compares = [one, other].map((key) => {
      const operand = this.#seen.get(key)?.modRevision ?? 0;
      return { key, target: 'modRevision', is: 'equal', operand } as const;
    });
    const second: StoreCall =
      prng.next() < 0.3 ? { op: 'delete', key: other } : { op: 'put', key: other, value: this.#newValue() };
    const isBlind = prng.next() < 0.3;
    return {
      op: 'txn',
      compares: isBlind ? [] : compares,
      then: [{ op: 'put', key: one, value: this.#newValue() }, second],
      else: [one, other].map((key) => ({ op: 'get', key })),
    };
  }

  #newValue(): string {
    this.#lastValue += 1;
    return `${this.#name}.${this.#lastValue}`;
  }

  /** @returns whether it was answered */
  async #record(call: StoreCall): Promise<boolean> {
    const { history, progress, verdict } = this.#with;
    const id = history.begin(this.#name, call);
    try {
      const answer = await this.#carryOut(call);
      history.ok(id, answer);
      progress.answered({ isWrite: call.op !== 'get' });
      this.#note(call, answer);
      return true;
    } catch (error) {
      if (!isPassing(error)) verdict.violation(`${this.#name} failed at ${call.op}: ${describe(error)}`);
      const isUnknown = call.op !== 'get' && mayHaveHappened(error);
      history[isUnknown ? 'unknown' : 'failed'](id);
      if (isUnknown) progress.unknownCount += 1;
      else progress.refused(this.#name, keyOf(call), error);
      return false;
    }
  }

  async #carryOut(call: StoreCall): Promise<PartAnswer> {
    const { store } = this.#with;
    switch (call.op) {
      case 'get': {
        // A range, for it tells the revision as well.
        const { kvs, revision } = await store.range(call.key, { serializable: call.serializable ?? false });
        return foundAnswer(kvs[0], revision);
      }
      case 'put':
        return { revision: (await store.put(call.key, call.value)).revision };
      case 'delete': {
        const { revision, deleted } = await store.delete(call.key);
        return { revision, deleted };
      }
      case 'cas':
        return this.#conditional(
          call.expected === null ? version(call.key).equals(0) : valueOf(call.key).equals(call.expected),
          put(call.key, call.value ?? ''),
        );
      case 'casRevision':
        return this.#conditional(modRevision(call.key).equals(call.expectedRevision), put(call.key, call.value));
      case 'create':
        return this.#conditional(version(call.key).equals(0), put(call.key, call.value));
      case 'txn': {
        const compares = call.compares.map(({ key, operand }) => modRevision(key).equals(operand as number));
        const [then, otherwise] = [call.then.map(toOperation), call.else.map(toOperation)];
        return txnAnswer(
          await store
            .txn()
            .when(...compares)
            .do(...then)
            .otherwise(...otherwise)
            .commit(),
        );
      }
      default:
        throw new Error(`no client asks for ${call.op}`);
    }
  }

  async #conditional(condition: Compare, change: Operation): Promise<PartAnswer> {
    const { succeeded, revision } = await this.#with.store.txn().when(condition).do(change).commit();
    return { result: succeeded, revision };
  }

  #note(call: StoreCall, answer: PartAnswer): void {
    if (this.#seen.size > SEEN_MAX) this.#seen.clear();
    if (call.op === 'get')
      this.#seen.set(call.key, { value: answer.value ?? null, modRevision: answer.modRevision ?? 0 });
    if (call.op === 'put') this.#seen.set(call.key, { value: call.value, modRevision: answer.revision ?? 0 });
    if (call.op !== 'txn' || answer.result) return;
    for (const [at, { value = null, modRevision = 0 }] of (answer.responses ?? []).entries()) {
      this.#seen.set((call.else[at] as { key: string }).key, { value, modRevision });
    }
  }
}

function keyOf(call: StoreCall): string {
  const [part] = call.op === 'txn' ? call.then : [call];
  return part && 'key' in part ? part.key : '';
}

function toOperation(call: StoreCall): Operation {
  switch (call.op) {
    case 'get':
      return get(call.key);
    case 'put':
      return put(call.key, call.value);
    case 'delete':
      return remove(call.key);
    default:
      throw new Error(`no client puts ${call.op} into a transaction`);
  }
}

function txnAnswer({ succeeded, revision, responses }: TxnAnswer): PartAnswer {
  return { result: succeeded, revision, responses: responses.map(partAnswer) };
}

function partAnswer(result: OperationResult): PartAnswer {
  if (result.type === 'range') return foundAnswer(result.kvs[0]);
  return result.type === 'delete' ? { deleted: result.deleted } : {};
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
