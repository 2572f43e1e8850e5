/**
 * What an operation on keys does and answers, given the keys as they are. Both checkers judge by this; it is held
 * against the store itself in `semantics.test.ts`.
 */
import type { Comparison, FoundKey, PartAnswer, StoreCall, Value } from '../history/operation.js';

/** A key as it is at some revision. */
export interface Stored {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease?: string;
}

/** All keys as they are at one revision. */
export interface View {
  get(key: string): Stored | undefined;
  /** The keys in [key, end), in order; an `end` of `\0` means no end. */
  range(key: string, end: string): Iterable<readonly [string, Stored]>;
}

/** What a change leaves of a key: `undefined` deletes it. */
export type Effects = ReadonlyMap<string, Stored | undefined>;

/** What an operation does, and answers. */
export interface Doing {
  readonly effects: Effects;
  readonly answer: PartAnswer;
}

const NO_END = '\0';

/** Whether a key is in [from, end). Text order is byte order here only for keys of the same plane; keys of tests are ASCII. */
export function isWithin(key: string, from: string, end: string): boolean {
  return key >= from && (end === NO_END || key < end);
}

/**
 * Carries out an operation.
 *
 * @param view - the keys before it
 * @param revision - of the store before it; a change makes the next one
 */
export function carryOut(call: StoreCall, view: View, revision: number): Doing {
  const draft = new Draft(view, revision + 1);
  const answer = draft.carryOut(call);
  return {
    effects: draft.effects,
    answer: { ...answer, revision: draft.effects.size > 0 ? revision + 1 : revision },
  };
}

/** The keys as an operation under way has changed them so far. */
class Draft implements View {
  readonly effects = new Map<string, Stored | undefined>();
  readonly #before: View;
  readonly #revision: number;

  constructor(before: View, revision: number) {
    this.#before = before;
    this.#revision = revision;
  }

  get(key: string): Stored | undefined {
    return this.effects.has(key) ? this.effects.get(key) : this.#before.get(key);
  }

  *range(key: string, end: string): Generator<readonly [string, Stored]> {
    const found = new Map(this.#before.range(key, end));
    for (const [changed, stored] of this.effects) {
      if (!isWithin(changed, key, end)) continue;
      if (stored) found.set(changed, stored);
      else found.delete(changed);
    }
    yield* [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  carryOut(call: StoreCall): PartAnswer {
    switch (call.op) {
      case 'get':
        return answerOf(this.get(call.key));
      case 'range':
        return { kvs: [...this.range(call.key, call.end)].map(found) };
      case 'put':
        this.#put(call.key, call.value, call.lease);
        return {};
      case 'append':
        this.#put(call.key, (this.get(call.key)?.value ?? '') + call.value, this.get(call.key)?.lease);
        return {};
      case 'delete':
        return { deleted: this.#delete(call.end === undefined ? [call.key] : keysOf(this.range(call.key, call.end))) };
      case 'cas':
        return this.#if((this.get(call.key)?.value ?? null) === call.expected, () => this.#set(call.key, call.value));
      case 'casRevision':
        return this.#if((this.get(call.key)?.modRevision ?? 0) === call.expectedRevision, () =>
          this.#put(call.key, call.value),
        );
      case 'create':
        return this.#if(!this.get(call.key), () => this.#put(call.key, call.value, call.lease));
      case 'txn': {
        const holds = call.compares.every((comparison) => compares(comparison, this.get(comparison.key)));
        return { result: holds, responses: (holds ? call.then : call.else).map((part) => this.carryOut(part)) };
      }
      case 'revoke':
        this.#delete([...this.range('', NO_END)].flatMap(([key, { lease }]) => (lease === call.lease ? [key] : [])));
        return {};
    }
  }

  #if(holds: boolean, change: () => void): PartAnswer {
    if (holds) change();
    return { result: holds };
  }

  #set(key: string, value: Value): void {
    if (value === null) this.#delete([key]);
    else this.#put(key, value);
  }

  #put(key: string, value: string, lease?: string): void {
    const before = this.get(key);
    this.effects.set(key, {
      value,
      createRevision: before?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: (before?.version ?? 0) + 1,
      ...(lease === undefined ? {} : { lease }),
    });
  }

  #delete(keys: readonly string[]): number {
    const there = keys.filter((key) => this.get(key));
    for (const key of there) this.effects.set(key, undefined);
    return there.length;
  }
}

function keysOf(entries: Iterable<readonly [string, Stored]>): string[] {
  return [...entries].map(([key]) => key);
}

function found([key, { value, createRevision, modRevision, version }]: readonly [string, Stored]): FoundKey {
  return { key, value, createRevision, modRevision, version };
}

function answerOf(stored: Stored | undefined): PartAnswer {
  if (!stored) return { value: null, createRevision: 0, modRevision: 0, version: 0 };
  const { value, createRevision, modRevision, version } = stored;
  return { value, createRevision, modRevision, version };
}

/** As the store has it: a condition on the value of a key that does not exist is false, all else of it is 0. */
function compares({ target, is, operand }: Comparison, stored: Stored | undefined): boolean {
  if (target === 'value' && !stored) return false;
  const actual = stored ? stored[target] : 0;
  switch (is) {
    case 'equal':
      return actual === operand;
    case 'notEqual':
      return actual !== operand;
    case 'greater':
      return actual > operand;
    case 'less':
      return actual < operand;
  }
}

/**
 * What of a recorded answer is not as it should be, in words; `undefined` if it is right. What was not recorded is not
 * judged.
 */
export function differenceOf(recorded: PartAnswer, right: PartAnswer): string | undefined {
  for (const field of Object.keys(right) as (keyof PartAnswer)[]) {
    const [ours, theirs] = [right[field], recorded[field]];
    if (theirs === undefined || isSame(theirs, ours)) continue;
    return `${field} is ${JSON.stringify(ours)}, and it was told ${JSON.stringify(theirs)}`;
  }
  return undefined;
}

/** Deeply; only what both have is compared, except that lists are equally long. */
function isSame(recorded: unknown, right: unknown): boolean {
  if (Array.isArray(recorded) && Array.isArray(right)) {
    return recorded.length === right.length && recorded.every((part, at) => isSame(part, right[at]));
  }
  if (typeof recorded === 'object' && typeof right === 'object' && recorded && right) {
    const told = recorded as Record<string, unknown>;
    return Object.entries(right).every(([field, value]) => told[field] === undefined || isSame(told[field], value));
  }
  return recorded === right;
}
