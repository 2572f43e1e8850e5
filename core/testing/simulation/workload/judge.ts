import { toBytes, toText } from '../../../base/bytes.js';
import { everything, range } from '../../../base/key-range.js';
import type { Event, KeyValue } from '../../../base/key-value.js';
import { History } from '../../checkers/history/history.js';
import type { Call, PartAnswer, StoreCall } from '../../checkers/history/operation.js';
import { carryOut, differenceOf, type Effects, type Stored, type View } from '../../checkers/store/semantics.js';
import type { Chronicle } from '../invariants/chronicle.js';

export interface JudgeParts {
  readonly chronicle: Chronicle;
  readonly report: (what: string) => void;
  /** The world's time. */
  readonly nowMs: () => number;
  /** Whether only recorded operations change this key. */
  readonly isOwned: (key: string) => boolean;
}

/** What was known to anybody when an operation began. */
interface Asked {
  readonly client: string | number;
  readonly call: StoreCall;
  /** The highest revision that anybody had been told of. */
  readonly leastRevision: number;
}

/** What became of a value that is written once. */
interface Written {
  outcome: 'open' | 'ok' | 'failed';
  seenAt?: number;
}

const NO_END = '\0';

/**
 * A history that judges each answer as it comes, by the committed log: a change is in it at the revision that was told,
 * and does what it must do to the keys as they were; a read is answered what was there at the revision that it tells, and,
 * unless it may be stale, no revision before one that anybody had been told of. What was refused is not in the log, and
 * what was written once is in it once.
 */
export class Judge extends History {
  readonly #parts: JudgeParts;
  readonly #asked = new Map<number, Asked>();
  readonly #written = new Map<string, Written>();
  readonly #claimed = new Map<number, string | number>();
  #toldRevision = 1;
  #toldCompaction = 0;
  judgedCount = 0;

  constructor(parts: JudgeParts) {
    super({ nowMs: parts.nowMs });
    this.#parts = parts;
    parts.chronicle.listen({ revision: (_, events) => this.#heard(events) });
  }

  /** The highest revision that anybody was told of: a linearizable read that begins now answers at least this. */
  get toldRevision(): number {
    return this.#toldRevision;
  }

  override begin(client: string | number, call: Call): number {
    const id = super.begin(client, call);
    const asked = { client, call: call as StoreCall, leastRevision: this.#toldRevision };
    this.#asked.set(id, asked);
    for (const value of valuesIn(asked.call)) this.#written.set(value, { outcome: 'open' });
    return id;
  }

  override ok(id: number, answer: PartAnswer = {}): void {
    super.ok(id, answer);
    const asked = this.#asked.get(id) as Asked;
    this.#asked.delete(id);
    this.judgedCount += 1;
    this.#judge(asked, answer);
  }

  override failed(id: number): void {
    super.failed(id);
    for (const value of valuesIn((this.#asked.get(id) as Asked).call)) {
      const written = this.#written.get(value) as Written;
      written.outcome = 'failed';
      if (written.seenAt !== undefined) this.#refusedIsThere(value, written.seenAt);
    }
    this.#asked.delete(id);
  }

  override unknown(id: number): void {
    super.unknown(id);
    this.#asked.delete(id);
  }

  /** Up to where somebody was told that the past is forgotten: it can be read no more. */
  get toldCompaction(): number {
    return this.#toldCompaction;
  }

  compactionTold(revision: number): void {
    this.#toldCompaction = Math.max(this.#toldCompaction, revision);
  }

  /** Somebody was told of a revision in another way than by an operation that is recorded. */
  told(revision: number): void {
    this.#toldRevision = Math.max(this.#toldRevision, revision);
  }

  // --- The log ----------------------------------------------------------------------------------------------------

  #heard(events: readonly Event[]): void {
    for (const event of events) {
      this.heard(event);
      const { key, value, modRevision } = event.kv;
      if (event.type === 'put' && this.#parts.isOwned(toText(key))) this.#seen(toText(value), modRevision);
    }
  }

  #seen(value: string, revision: number): void {
    const written = this.#written.get(value);
    if (written === undefined) return this.#parts.report(`'${value}' is in the log at ${revision}, which nobody wrote`);
    if (written.seenAt !== undefined)
      return this.#parts.report(`'${value}' is in the log twice, at ${written.seenAt} and ${revision}`);
    written.seenAt = revision;
    if (written.outcome === 'failed') this.#refusedIsThere(value, revision);
  }

  #refusedIsThere(value: string, revision: number): void {
    this.#parts.report(`'${value}' was refused, and is in the log at revision ${revision}`);
  }

  // --- Answers ----------------------------------------------------------------------------------------------------

  #judge(asked: Asked, answer: PartAnswer): void {
    const { revision } = answer;
    if (revision === undefined) return;
    const wrong = this.#wrongIn(asked, answer, revision);
    if (wrong !== undefined) this.#parts.report(`${shown(asked, answer)}: ${wrong}`);
    if (!isStale(asked.call)) this.told(revision);
  }

  #wrongIn(asked: Asked, answer: PartAnswer, revision: number): string | undefined {
    const { call, leastRevision } = asked;
    const { chronicle } = this.#parts;
    if (revision > chronicle.revision) return `the log reaches revision ${chronicle.revision} only`;
    if (!isStale(call) && revision < leastRevision)
      return `before it was asked, somebody was told of revision ${leastRevision}`;
    return isRead(call) ? this.#wrongInRead(call, answer, revision) : this.#wrongInWrite(asked, answer, revision);
  }

  #wrongInRead(call: Read, answer: PartAnswer, revision: number): string | undefined {
    const { atRevision = revision } = call;
    const right = carryOut(call, this.#viewAt(atRevision), atRevision).answer;
    return wrongIn(answer, right);
  }

  /** Either the revision that was told is the one that it made, or it changed nothing at that revision. */
  #wrongInWrite({ call, client }: Asked, answer: PartAnswer, revision: number): string | undefined {
    const made = carryOut(call, this.#viewAt(revision - 1), revision - 1);
    if (this.#hasHappened(made.effects, revision) && wrongIn(answer, made.answer) === undefined) {
      const other = this.#claimed.get(revision);
      this.#claimed.set(revision, client);
      return other === undefined ? undefined : `${other} was told the same of revision ${revision}`;
    }
    const idle = carryOut(call, this.#viewAt(revision), revision);
    if (idle.effects.size === 0 && wrongIn(answer, idle.answer) === undefined) return undefined;
    return `the log has ${this.#shownRevision(revision)}`;
  }

  #hasHappened(effects: Effects, revision: number): boolean {
    const events = this.#parts.chronicle.eventsOf(revision);
    if (effects.size === 0 || events.length !== effects.size) return false;
    return events.every(({ type, kv }) => {
      const key = toText(kv.key);
      if (!effects.has(key)) return false;
      const stored = effects.get(key);
      return stored === undefined ? type === 'delete' : type === 'put' && isSame(stored, toStored(kv));
    });
  }

  #viewAt(revision: number): View {
    const { chronicle } = this.#parts;
    return {
      get: (key) => {
        const kv = chronicle.keyAt(toBytes(key), revision);
        return kv && toStored(kv);
      },
      range: (key, end) => {
        const target = end === NO_END && key === NO_END ? everything() : range(key, end);
        return chronicle.rangeAt(target, revision).map((kv) => [toText(kv.key), toStored(kv)] as const);
      },
    };
  }

  #shownRevision(revision: number): string {
    const events = this.#parts.chronicle.eventsOf(revision);
    return `at ${revision}: ${events.map(({ type, kv }) => `${type} ${toText(kv.key)} ${toText(kv.value)}`).join(', ')}`;
  }
}

type Read = Extract<StoreCall, { op: 'get' | 'range' }>;

function isRead(call: StoreCall): call is Read {
  return call.op === 'get' || call.op === 'range';
}

/** Whether it may be answered what was, not what is. */
function isStale(call: StoreCall): boolean {
  return isRead(call) && call.serializable === true;
}

/** Every value that an operation may write. */
function valuesIn(call: StoreCall): readonly string[] {
  switch (call.op) {
    case 'put':
    case 'cas':
    case 'casRevision':
    case 'create':
      return call.value === null ? [] : [call.value];
    case 'txn':
      return [...call.then, ...call.else].flatMap(valuesIn);
    default:
      return [];
  }
}

function toStored({ value, createRevision, modRevision, version, lease }: KeyValue): Stored {
  const stored = { value: toText(value), createRevision, modRevision, version };
  return lease === 0n ? stored : { ...stored, lease: lease.toString() };
}

function isSame(one: Stored, other: Stored): boolean {
  return (
    one.value === other.value &&
    one.createRevision === other.createRevision &&
    one.modRevision === other.modRevision &&
    one.version === other.version &&
    one.lease === other.lease
  );
}

/** What is wrong with an answer, but for its revision, which is judged by itself. */
function wrongIn(answer: PartAnswer, right: PartAnswer): string | undefined {
  const { revision: _, ...rest } = right;
  return differenceOf(answer, rest);
}

function shown({ client, call }: Asked, answer: PartAnswer): string {
  return `${client}: ${JSON.stringify(call)} was answered ${JSON.stringify(answer)}`;
}
