import { toText } from '../../core/base/bytes.js';
import { type KeyValue, NO_LEASE } from '../../core/base/key-value.js';
import { prefix } from '../../core/base/key-range.js';
import type { Prng } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import { ForeignReport, ForeignValueError } from '../foreign.js';
import type { MirrorChange, MirrorDiff, MirrorEntry } from '../mirror/diff.js';
import { Mirror } from '../mirror/mirror.js';
import { type Gate, type Layout, NO_GATE, type QueueKey, readGate, type Slot, slotName } from './layout.js';
import { parseAttempts } from './records.js';
import { keysNamed, type Release, type RoundFacts } from './release.js';

/** An item that nobody has, as the view shows it. */
export interface Candidate extends Slot {
  /** The revision that put the item: its place in the order, and its identity. */
  readonly createRevision: number;
  /** How often it has been handed out. */
  readonly attempts: number;
  /** Why it was last given back, if it was with a reason. */
  readonly reason?: string | undefined;
  /** The revision of the attempts' key, 0 before the first. */
  readonly attemptsRevision: number;
}

/** One key below `q/`, decoded: what it is about, and what is needed of its value. */
type Entry = { readonly about: QueueKey } &
  /** Without a gate: its key holds what no queue wrote. */
  (
    | { readonly is: 'gate'; readonly gate: Gate | undefined }
    | { readonly is: 'attempts'; readonly attempt: number; readonly reason?: string | undefined }
    | { readonly is: 'mark' }
  );

interface RoundItems {
  readonly items: Map<string, Slot & { readonly createRevision: number }>;
  /** Whether the map is in the order of the create revisions. A watch delivers so; a listing after a gap may not. */
  isOrdered: boolean;
  lastCreated: number;
}

export interface QueueViewEvents {
  readonly opened: (round: number) => void;
  readonly drained: (round: number) => void;
}

/**
 * The queue as consumers see it: a live copy of its keys, without the items' values. It may be a moment behind, so what is
 * done by it is done in transactions that compare.
 *
 * Every consuming process sees every change of the queue. That is meant for tens of processes and thousands of items.
 */
export class QueueView {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #release: Release;
  readonly #mirror: Mirror<Entry>;
  readonly #events: QueueViewEvents;
  readonly #keys = new Map<string, Mirror<true>>();
  readonly #rounds = new Map<number, RoundItems>();
  readonly #attempts = new Map<string, { attempt: number; reason?: string | undefined; modRevision: number }>();
  readonly #claims = new Set<string>();
  readonly #waits = new Set<string>();
  readonly #lingers = new Set<number>();
  readonly #foreign: ForeignReport;
  readonly #listeners = new Set<() => void>();
  #gate: Gate = NO_GATE;
  #isGateForeign = false;
  #failure: { readonly error: Error } | undefined;
  #version = 0;

  constructor(store: Store, layout: Layout, release: Release, events: QueueViewEvents, prng?: Prng) {
    this.#store = store;
    this.#layout = layout;
    this.#foreign = new ForeignReport(store.logger, `barrier queue in ${layout.live}`);
    this.#release = release;
    this.#events = events;
    this.#mirror = new Mirror<Entry>(store, {
      target: prefix(layout.live),
      decode: (kv) => this.#decode(kv),
      ...(prng && { prng }),
    });
    this.#mirror.observe({ diff: (diff) => this.#take(diff), failed: (error) => this.#fail(error) });
  }

  /** Grows with every change. Read it before looking; then {@link changedSince} misses nothing. */
  get version(): number {
    return this.#version;
  }

  /** The view shows the queue at this revision or a later one. */
  get revision(): number {
    return this.#mirror.revision;
  }

  get gate(): Gate {
    return this.#gate;
  }

  /** Whether the gate's key holds what no queue wrote, so that it must be put back. */
  get isGateForeign(): boolean {
    return this.#isGateForeign;
  }

  /** @throws the signal's reason; what the store threw, if it refused for good */
  async ready(signal: AbortSignal): Promise<void> {
    await this.#mirror.ready({ signal });
    this.#watchKeys();
    await Promise.all([...this.#keys.values()].map((mirror) => mirror.ready({ signal })));
  }

  /** Resolves at once if the view has changed since that version, else with its next change. */
  changedSince(version: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (!signal.aborted && !this.#failure && this.#version === version) return;
        this.#listeners.delete(settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason as Error);
        else if (this.#failure) reject(this.#failure.error);
        else resolve();
      };
      this.#listeners.add(settle);
      signal.addEventListener('abort', settle, { once: true });
      settle();
    });
  }

  /** Items of the open round that nobody has and that do not rest, first put first; none while the gate is closed. */
  *candidates(): Generator<Candidate> {
    if (this.#gate.state === 'closed') return;
    for (const item of this.#itemsOf(this.#gate.round)) {
      const name = slotName(item);
      if (this.#claims.has(name) || this.#waits.has(name)) continue;
      const tried = this.#attempts.get(name);
      yield {
        ...item,
        attempts: tried?.attempt ?? 0,
        reason: tried?.reason,
        attemptsRevision: tried?.modRevision ?? 0,
      };
    }
  }

  /** Whether the gate is open although nothing is left behind it. */
  get isDrained(): boolean {
    return this.#gate.state === 'open' && (this.#rounds.get(this.#gate.round)?.items.size ?? 0) === 0;
  }

  /** What is known of the gate's round. */
  get facts(): RoundFacts {
    const { round, consented } = this.#gate;
    const items = this.#rounds.get(round)?.items;
    return {
      round,
      consented,
      itemCount: items?.size ?? 0,
      lingered: !this.#lingers.has(round),
      hasItem: (id) => items?.has(slotName({ round, id })) ?? false,
      hasKey: (name) => (this.#keys.get(name)?.entries().length ?? 0) > 0,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#mirror, ...this.#keys.values()].map((mirror) => mirror.close()));
  }

  #itemsOf(round: number): Iterable<Slot & { readonly createRevision: number }> {
    const held = this.#rounds.get(round);
    if (!held) return [];
    if (!held.isOrdered) {
      const sorted = [...held.items].sort(([, a], [, b]) => a.createRevision - b.createRevision);
      held.items.clear();
      for (const [name, item] of sorted) held.items.set(name, item);
      held.isOrdered = true;
    }
    return held.items.values();
  }

  // --- Following the store ------------------------------------------------------------------------------------------

  #decode(kv: KeyValue): Entry {
    const about = this.#layout.parse(kv.key);
    // A mark without a lease would never end.
    const isForeign = about === undefined || (isLeased(about) && kv.lease === NO_LEASE);
    if (isForeign) throw new ForeignValueError(toText(kv.key));
    if (about.part === 'gate') return { about, is: 'gate', gate: this.#known(kv, readGate(kv)) };
    if (about.part !== 'try') return { about, is: 'mark' };
    return { about, is: 'attempts', ...(this.#known(kv, parseAttempts(kv.value)) ?? { attempt: 0 }) };
  }

  /** What is foreign and must be known of all the same: who writes there next compares with its revision. */
  #known<T>({ key }: KeyValue, value: T | undefined): T | undefined {
    if (value === undefined) this.#foreign.found(key);
    return value;
  }

  #take(diff: MirrorDiff<Entry>): void {
    const before = this.#gate;
    for (const change of diff.changes) this.#apply(change);
    this.#changed();
    if (this.#gate.modRevision === before.modRevision) return;
    this.#watchKeys();
    if (before.state === 'open' && this.#gate.round > before.round) this.#events.drained(before.round);
    const isAsBefore = before.state === 'open' && before.round === this.#gate.round;
    if (this.#gate.state === 'open' && !isAsBefore) this.#events.opened(this.#gate.round);
  }

  #apply(change: MirrorChange<Entry>): void {
    const current = change.type === 'removed' ? undefined : change.current;
    const { about } = change.type === 'removed' ? change.previous.value : change.current.value;
    switch (about.part) {
      case 'gate':
        return this.#applyGate(current);
      case 'linger':
        return mark(this.#lingers, about.round, current !== undefined);
      case 'claim':
        return mark(this.#claims, slotName(about), current !== undefined);
      case 'wait':
        return mark(this.#waits, slotName(about), current !== undefined);
      case 'try':
        if (current?.value.is !== 'attempts') this.#attempts.delete(slotName(about));
        else this.#attempts.set(slotName(about), { ...current.value, modRevision: current.modRevision });
        return;
      case 'item':
        return this.#applyItem(about, current?.createRevision);
    }
  }

  #applyGate(current: MirrorEntry<Entry> | undefined): void {
    const gate = current?.value.is === 'gate' ? current.value.gate : NO_GATE;
    this.#isGateForeign = gate === undefined;
    // Nobody has opened or closed it: it is as it was, once it is put back.
    this.#gate = gate ?? this.#gate;
  }

  #applyItem({ round, id }: Slot, createRevision: number | undefined): void {
    const held = this.#rounds.get(round) ?? { items: new Map(), isOrdered: true, lastCreated: 0 };
    const name = slotName({ round, id });
    // Deleted first, so that an item that was put anew goes to the end.
    held.items.delete(name);
    if (createRevision !== undefined) {
      held.items.set(name, { round, id, createRevision });
      held.isOrdered &&= createRevision >= held.lastCreated;
      held.lastCreated = createRevision;
    }
    if (held.items.size > 0) this.#rounds.set(round, held);
    else this.#rounds.delete(round);
  }

  #changed(): void {
    this.#version += 1;
    for (const listener of [...this.#listeners]) listener();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error: error as Error };
    this.#changed();
  }

  /** Follows the keys that the present round waits for, and no others. */
  #watchKeys(): void {
    const wanted = new Set(this.#gate.state === 'closed' ? keysNamed(this.#release, this.#gate.round) : []);
    for (const [name, mirror] of this.#keys) {
      if (wanted.has(name)) continue;
      this.#keys.delete(name);
      void mirror.close();
    }
    for (const name of wanted) {
      if (this.#keys.has(name)) continue;
      const mirror = new Mirror<true>(this.#store, { target: name, decode: () => true });
      mirror.observe({ diff: () => this.#changed(), failed: (error) => this.#fail(error) });
      mirror.start();
      this.#keys.set(name, mirror);
    }
  }
}

/** Whether such a key lives by a lease, whose end it is there for. */
function isLeased({ part }: QueueKey): boolean {
  return part === 'claim' || part === 'wait' || part === 'linger';
}

function mark<T>(marks: Set<T>, value: T, isThere: boolean): void {
  if (isThere) marks.add(value);
  else marks.delete(value);
}
