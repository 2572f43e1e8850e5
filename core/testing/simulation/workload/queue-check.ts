import { toBytes, toText } from '../../../base/bytes.js';
import type { Event } from '../../../base/key-value.js';
import {
  type Gate,
  gatheringRound,
  Layout,
  type QueueKey,
  readGate,
  slotName,
} from '../../../../recipes/barrier-queue/layout.js';
import type { Chronicle } from '../invariants/chronicle.js';

export interface QueueCheckParts {
  readonly chronicle: Chronicle;
  readonly report: (what: string) => void;
  /** A round is complete with so many items. */
  readonly itemsMin: number;
  /** Or once its first item has lingered. */
  readonly lingers: boolean;
}

const NO_GATE: Gate = { round: 0, state: 'closed', consented: false, modRevision: 0 };

interface ItemKey {
  readonly part: QueueKey & { readonly part: 'item' | 'claim' };
  readonly event: Event;
}

/**
 * A barrier queue by what happens to its keys: a gate opens once a round, when that is complete, and closes when it is
 * drained; items go into the round that gathers, and leave only with the claim of whoever had them; they are claimed only
 * behind an open gate, by one at a time.
 */
export class QueueCheck {
  readonly name: string;
  readonly #parts: QueueCheckParts;
  readonly #layout: Layout;
  readonly #everPut = new Set<string>();
  readonly #acknowledged = new Map<string, string>();
  #dealtWith = 0;

  constructor(name: string, parts: QueueCheckParts) {
    this.name = name;
    this.#parts = parts;
    this.#layout = new Layout(undefined, name);
    parts.chronicle.listen({ revision: (revision, events) => this.#take(revision, events) });
  }

  /** How often an item was claimed, given back or dealt with. */
  get dealtWith(): number {
    return this.#dealtWith;
  }

  /** Somebody was told that an item is in the queue. */
  put(slot: { readonly round: number; readonly id: string }): void {
    if (!this.#everPut.has(slotName(slot)))
      this.#report(`item ${slot.id} was told to be in round ${slot.round}, and never was`);
  }

  /** Somebody was told that it has dealt with an item. */
  acknowledged(slot: { readonly round: number; readonly id: string }, by: string): void {
    const name = slotName(slot);
    const other = this.#acknowledged.get(name);
    if (other !== undefined) this.#report(`item ${slot.id} was dealt with by ${other} and by ${by}`);
    this.#acknowledged.set(name, by);
    const { chronicle } = this.#parts;
    const key = toBytes(this.#layout.of('item', slot));
    if (chronicle.keyAt(key, chronicle.revision) !== undefined)
      this.#report(`item ${slot.id} was dealt with, and is there`);
  }

  /** The round in force, and whether its gate is closed. */
  get gate(): Gate {
    const { chronicle } = this.#parts;
    return this.#gateAt(chronicle.revision);
  }

  #take(revision: number, events: readonly Event[]): void {
    const changed: ItemKey[] = [];
    for (const event of events) {
      const key = toText(event.kv.key);
      if (!key.startsWith(this.#layout.live)) continue;
      const part = this.#layout.parse(event.kv.key);
      if (part === undefined) this.#report(`there is a key ${key}`);
      else if (part.part === 'gate') this.#gateChanged(revision, event);
      else if (part.part === 'item' || part.part === 'claim') changed.push({ part: part as ItemKey['part'], event });
    }
    if (changed.some(({ part }) => part.part === 'claim')) this.#dealtWith += 1;
    for (const { part, event } of changed) this.#slotChanged(revision, part, event, changed);
  }

  #gateChanged(revision: number, { type, kv }: Event): void {
    if (type === 'delete') return this.#report('the gate was removed');
    const before = this.#gateAt(revision - 1);
    const after = readGate(kv);
    if (after === undefined) return this.#report('the gate holds what is no gate');
    const shown = `at revision ${revision} the gate went from ${before.state} ${before.round} to ${after.state} ${after.round}`;
    if (before.state === 'closed' && after.state === 'open') {
      if (after.round !== before.round) return this.#report(shown);
      if (!this.#isComplete(before.round, revision - 1)) this.#report(`${shown}, and the round was not complete`);
    } else if (before.state === 'open' && after.state === 'closed') {
      if (after.round !== before.round + 1) return this.#report(shown);
      if (this.#itemCount(before.round, revision - 1) > 0) this.#report(`${shown}, and the round was not drained`);
    } else this.#report(shown);
  }

  #slotChanged(revision: number, part: ItemKey['part'], { type, kv }: Event, changed: readonly ItemKey[]): void {
    const gate = this.#gateAt(revision - 1);
    const { round, id } = part;
    if (part.part === 'item' && type === 'put') {
      if (kv.version !== 1) this.#report(`item ${id} was written over at revision ${revision}`);
      if (round !== gatheringRound(gate))
        this.#report(`item ${id} went into round ${round} while ${gate.round} was ${gate.state}`);
      this.#everPut.add(slotName(part));
    }
    if (part.part === 'item' && type === 'delete') {
      const isClaimsEnd = changed.some(
        (other) => other.part.part === 'claim' && other.part.id === id && other.event.type === 'delete',
      );
      if (!isClaimsEnd) this.#report(`item ${id} left at revision ${revision}, and nobody had it`);
    }
    if (part.part === 'claim' && type === 'put') {
      if (kv.version !== 1) this.#report(`item ${id} was claimed at revision ${revision}, though somebody had it`);
      if (gate.state !== 'open' || gate.round !== round)
        this.#report(`item ${id} of round ${round} was claimed while ${gate.round} was ${gate.state}`);
    }
  }

  #isComplete(round: number, revision: number): boolean {
    const { itemsMin, lingers, chronicle } = this.#parts;
    const count = this.#itemCount(round, revision);
    if (count >= itemsMin) return true;
    return lingers && count > 0 && chronicle.keyAt(toBytes(this.#layout.linger(round)), revision) === undefined;
  }

  #itemCount(round: number, revision: number): number {
    return this.#parts.chronicle.rangeAt(this.#layout.round('item', round), revision).length;
  }

  #gateAt(revision: number): Gate {
    return readGate(this.#parts.chronicle.keyAt(toBytes(this.#layout.gate), revision)) ?? NO_GATE;
  }

  #report(what: string): void {
    this.#parts.report(`queue ${this.name}: ${what}`);
  }
}
