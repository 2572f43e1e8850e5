import { toText } from '../../../base/bytes.js';
import type { Event } from '../../../base/key-value.js';
import { type Answer, type Call, type LogEvent, type Operation, type PartAnswer, toLine } from './operation.js';

const KEPT_MAX = 2_000_000;
const OPEN_MAX = 100_000;
/** Codes of errors that say: a condition did not hold, so nothing was done. */
const REFUSALS = new Set([
  'LEASE_NOT_FOUND',
  'LEASE_EXISTS',
  'KEY_NOT_FOUND',
  'COMPACTED',
  'FUTURE_REVISION',
  'INVALID_ARGUMENT',
  'HOLD_LOST',
  'NOT_HELD',
  'SESSION_LOST',
]);

/** How a history is recorded. */
export interface HistoryOptions {
  /** Milliseconds, monotonic; such as `() => clock.now()`. */
  readonly nowMs: () => number;
  /** Takes each line as soon as it is settled; the history then keeps nothing in memory but what is open. */
  readonly write?: (line: string) => void;
  /** How many operations and events are kept at most, where they are kept. Default: two million. */
  readonly keptMax?: number;
}

interface Open {
  readonly client: string | number;
  readonly call: Call;
  readonly calledAt: number;
}

/**
 * Records what clients ask of a store and what becomes of it, with the write log if there is one to be heard, for
 * `checkReplay` and `checkLinearizable` to judge.
 *
 * All that is recorded in one history must be seen by one clock. Times are whole microseconds, and no two are the same,
 * so that what happened later in this process is later in the history.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #open = new Map<number, Open>();
  readonly #operations: Operation[] = [];
  readonly #log: LogEvent[] = [];
  #lastId = 0;
  #lastTime = -1;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** Operations that have been settled, and kept. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** The write log as far as it was heard, and kept. */
  get log(): readonly LogEvent[] {
    return this.#log;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Call it before the request is sent.
   *
   * @returns the id by which to settle it
   */
  begin(client: string | number, call: Call): number {
    if (this.#open.size >= OPEN_MAX) throw new Error(`${OPEN_MAX} operations are open: settle them`);
    this.#lastId += 1;
    this.#open.set(this.#lastId, { client, call, calledAt: this.#time() });
    return this.#lastId;
  }

  /** It was answered. */
  ok(id: number, answer: PartAnswer = {}): void {
    const { client, call, calledAt } = this.#take(id);
    const stamp = { client, call: calledAt, return: this.#time(), outcome: 'ok' as const };
    this.#settled({ ...call, ...answer, ...('value' in call ? { value: call.value } : {}), ...stamp } as Operation);
  }

  /** It was refused, and certainly had no effect. */
  failed(id: number): void {
    const { client, call, calledAt } = this.#take(id);
    this.#settled({ ...call, client, call: calledAt, return: this.#time(), outcome: 'fail' });
  }

  /** Nobody can say whether it was, or will be, carried out. */
  unknown(id: number): void {
    const { client, call, calledAt } = this.#take(id);
    this.#settled({ ...call, client, call: calledAt, outcome: 'unknown' });
  }

  /** Takes an event of the write log, each revision's together and in order. */
  heard({ type, kv }: Event): void {
    const { modRevision: revision, createRevision, version } = kv;
    const key = toText(kv.key);
    if (type === 'delete') return this.#logged({ event: 'delete', revision, key });
    const lease = kv.lease === 0n ? {} : { lease: kv.lease.toString() };
    this.#logged({ event: 'put', revision, key, value: toText(kv.value), createRevision, version, ...lease });
  }

  /**
   * Records one call from beginning to end; what it throws is thrown on.
   *
   * @param answerOf - what of its result is recorded
   */
  async track<T>(
    client: string | number,
    call: Call,
    { work, answerOf }: { readonly work: () => Promise<T>; readonly answerOf: (result: T) => PartAnswer },
  ): Promise<T> {
    const id = this.begin(client, call);
    try {
      const result = await work();
      this.ok(id, answerOf(result));
      return result;
    } catch (error) {
      if (this.#open.has(id)) this[hadNoEffect(error) ? 'failed' : 'unknown'](id);
      throw error;
    }
  }

  /** Whatever is still open stays unknown. */
  finish(): void {
    for (const id of [...this.#open.keys()]) this.unknown(id);
  }

  #take(id: number): Open {
    const open = this.#open.get(id);
    if (!open) throw new Error(`operation ${id} is not open: it was settled before, or never begun`);
    this.#open.delete(id);
    return open;
  }

  #settled(operation: Operation): void {
    this.#keep(this.#operations, operation);
  }

  #logged(event: LogEvent): void {
    this.#keep(this.#log, event);
  }

  #keep<T extends Operation | LogEvent>(where: T[], what: T): void {
    if (this.#options.write) return this.#options.write(toLine(what));
    const { keptMax = KEPT_MAX } = this.#options;
    if (where.length >= keptMax) throw new Error(`the history has ${keptMax} entries: write it out, or end it`);
    where.push(what);
  }

  /** Microseconds, each later than all before. */
  #time(): number {
    this.#lastTime = Math.max(this.#lastTime + 1, Math.floor(this.#options.nowMs() * 1_000));
    return this.#lastTime;
  }
}

/** By the error's own word; of an error that is none of the store's nobody can tell. */
function hadNoEffect(error: unknown): boolean {
  const { code, retry } = error as { code?: string; retry?: string };
  return retry === 'safe' || REFUSALS.has(code ?? '');
}

/** The answer of a read of one key, as {@link Answer} has it. */
export function foundAnswer(
  found: { value: Uint8Array; createRevision: number; modRevision: number; version: number } | undefined,
  revision?: number,
): PartAnswer {
  const at: Answer = revision === undefined ? {} : { revision };
  if (!found) return { ...at, value: null, modRevision: 0, createRevision: 0, version: 0 };
  const { createRevision, modRevision, version } = found;
  return { ...at, value: toText(found.value), createRevision, modRevision, version };
}
