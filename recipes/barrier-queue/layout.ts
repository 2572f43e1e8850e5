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
import { prefix } from '../../core/base/key-range.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import type { Compare } from '../../core/base/operation.js';
import { modRevision } from '../../core/txn.js';
import { textOfKey } from '../foreign.js';
import { escapeSegment, nameOfSegment, recipePrefix } from '../keys.js';
import { parseObject } from '../metadata.js';

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
/** No queue has had so many rounds; what tells of a later one is not believed. */
const ROUND_MAX = 10 ** 9;

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
  parse(key: Uint8Array): QueueKey | undefined {
    const [part, ...rest] = segmentsOf(this.live, key);
    if (part === 'gate' && rest.length === 0) return { part };
    if (part === 'linger' && rest.length === 1) {
      const round = roundOf(rest[0]);
      return round === undefined ? undefined : { part, round };
    }
    const slot = isSlotPart(part) ? slotOf(rest) : undefined;
    return slot && isSlotPart(part) ? { part, ...slot } : undefined;
  }

  /** The slot in the name of a dead letter; undefined for a key that no queue writes. */
  parseDead(key: Uint8Array): Slot | undefined {
    return slotOf(segmentsOf(this.dead, key));
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

/** The gate behind its key; no key means the first round, closed. `undefined` if the key holds what no queue wrote. */
export function readGate(kv: KeyValue | undefined): Gate | undefined {
  if (!kv) return NO_GATE;
  const { round, state, consented } = parseObject(kv.value) ?? {};
  if (!isRound(round) || (state !== 'open' && state !== 'closed')) return undefined;
  return { round, state, consented: consented === true, modRevision: kv.modRevision };
}

/** The gate of a queue in which nothing ever happened. */
export const NO_GATE: Gate = { round: 1, state: 'closed', consented: false, modRevision: 0 };

/**
 * The gate as the other keys tell of it, where its own holds what no queue wrote: at the first round that has items; open if
 * one of them has been handed out.
 */
export function gateByItems(keys: Iterable<QueueKey>): Gate {
  let round = Number.POSITIVE_INFINITY;
  const handedOut = new Set<number>();
  for (const key of keys) {
    if (key.part === 'item') round = Math.min(round, key.round);
    else if (key.part === 'try' || key.part === 'claim' || key.part === 'wait') handedOut.add(key.round);
  }
  if (round === Number.POSITIVE_INFINITY) return NO_GATE;
  return { ...NO_GATE, round, state: handedOut.has(round) ? 'open' : 'closed' };
}

/** The text of a key below its start, cut at the slashes; nothing if it is no text. */
function segmentsOf(start: string, key: Uint8Array): readonly string[] {
  return textOfKey(key)?.slice(start.length).split('/') ?? [];
}

function slotOf([round, id, ...rest]: readonly string[]): Slot | undefined {
  const number = roundOf(round);
  const name = id === undefined ? undefined : nameOfSegment(id);
  return number === undefined || name === undefined || rest.length > 0 ? undefined : { round: number, id: name };
}

function roundOf(name: string | undefined): number | undefined {
  const round = Number(name);
  return isRound(round) && name === roundName(round) ? round : undefined;
}

function isRound(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= ROUND_MAX;
}

function roundName(round: number): string {
  return String(round).padStart(ROUND_DIGITS, '0');
}

function isSlotPart(part: string | undefined): part is SlotPart {
  return part === 'item' || part === 'try' || part === 'claim' || part === 'wait';
}
