/**
 * The keys of a barrier queue, below `<namespace>/bq/<name>/`:
 *
 *     q/gate                  which round it is, and whether it is open; absent before the first round opened
 *     q/item/<round>/<id>     an item; written once, deleted when it is acknowledged or dead
 *     q/try/<round>/<id>      how often it has been handed out; absent before the first time
 *     q/claim/<round>/<id>    who has it now; lives by the consumer's lease
 *     q/wait/<round>/<id>     it was given back and rests; lives by a lease of its own, whose end is the alarm
 *     q/linger/<round>        the first item has not waited long enough; likewise
 *     dead/<round>/<id>       an item that failed too often
 *     seen/<id>               it was put not long ago; lives by a lease
 *
 * Items go into the round that gathers: the gate's if that is closed, the one after it if that is open. Their order is
 * that of their create revisions, which is why an item is never written twice.
 */
import { toText } from '../../core/base/bytes.js';
import { prefix } from '../../core/base/key-range.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import type { Compare } from '../../core/base/operation.js';
import { modRevision } from '../../core/txn.js';
import { escapeSegment, recipePrefix, unescapeSegment } from '../keys.js';
import { parseObject } from '../metadata.js';
import { ForeignValueError } from './errors.js';

/** The state of a queue as its one gate key says it. */
export interface Gate {
  readonly round: number;
  readonly state: 'closed' | 'open';
  /** Somebody called `open()` while the round gathered. */
  readonly consented: boolean;
  /** The revision of the gate key, 0 before it exists: every decision about the gate compares with it. */
  readonly modRevision: number;
}

/** An item by its round and id. */
export interface Slot {
  readonly round: number;
  readonly id: string;
}

/** The kinds of keys that belong to one item while it is in the queue. */
export type SlotPart = 'item' | 'try' | 'claim' | 'wait';

/** What a key below `q/` is about. */
export type QueueKey =
  | { readonly part: 'gate' }
  | { readonly part: 'linger'; readonly round: number }
  | ({ readonly part: SlotPart } & Slot);

const ROUND_DIGITS = 10;

/** Names and reads the keys of one queue. */
export class Layout {
  /** Everything that consumers need to see. */
  readonly live: string;
  readonly gate: string;
  readonly dead: string;
  readonly #seen: string;

  /** @throws {@link InvalidArgumentError} if the name or namespace is none */
  constructor(namespace: string | undefined, name: string) {
    const start = recipePrefix(namespace, 'bq', name);
    this.live = `${start}q/`;
    this.gate = `${this.live}gate`;
    this.dead = `${start}dead/`;
    this.#seen = `${start}seen/`;
  }

  of(part: SlotPart, slot: Slot): string {
    return `${this.live}${part}/${slotName(slot)}`;
  }

  /** All keys of one part of a round. */
  round(part: SlotPart, round: number): KeyRange {
    return prefix(`${this.live}${part}/${roundName(round)}/`);
  }

  linger(round: number): string {
    return `${this.live}linger/${roundName(round)}`;
  }

  deadLetter(slot: Slot): string {
    return `${this.dead}${slotName(slot)}`;
  }

  seen(id: string): string {
    return `${this.#seen}${escapeSegment(id)}`;
  }

  /** What a key below {@link live} is about; undefined for one that no queue writes. */
  parse(key: string): QueueKey | undefined {
    const [part, round, id, ...rest] = key.slice(this.live.length).split('/');
    if (part === 'gate' && round === undefined) return { part };
    const roundNumber = Number(round);
    if (!Number.isSafeInteger(roundNumber) || roundNumber < 1) return undefined;
    if (part === 'linger' && id === undefined) return { part, round: roundNumber };
    if (!isSlotPart(part) || id === undefined || rest.length > 0) return undefined;
    return { part, round: roundNumber, id: unescapeSegment(id) };
  }

  /** The slot in the name of a dead letter. */
  parseDead(key: string): Slot {
    const [round, id] = key.slice(this.dead.length).split('/');
    return { round: Number(round), id: unescapeSegment(id ?? '') };
  }

  /** The condition that the gate is as it was read. */
  isUnchanged(gate: Gate): Compare {
    return modRevision(this.gate).equals(gate.modRevision);
  }
}

/** The round that an item put now goes into. */
export function gatheringRound(gate: Gate): number {
  return gate.state === 'open' ? gate.round + 1 : gate.round;
}

/** A slot as one text, to key a `Map`. */
export function slotName(slot: Slot): string {
  return `${roundName(slot.round)}/${escapeSegment(slot.id)}`;
}

/**
 * The gate behind its key. No key means the first round, closed.
 *
 * @throws {@link ForeignValueError} if the key holds what no queue wrote
 */
export function readGate(kv: KeyValue | undefined): Gate {
  if (!kv) return { round: 1, state: 'closed', consented: false, modRevision: 0 };
  const { round, state, consented } = parseObject(kv.value) ?? {};
  if (!Number.isSafeInteger(round)) throw new ForeignValueError(toText(kv.key));
  return {
    round: round as number,
    state: state === 'open' ? 'open' : 'closed',
    consented: consented === true,
    modRevision: kv.modRevision,
  };
}

function roundName(round: number): string {
  return String(round).padStart(ROUND_DIGITS, '0');
}

function isSlotPart(part: string | undefined): part is SlotPart {
  return part === 'item' || part === 'try' || part === 'claim' || part === 'wait';
}
