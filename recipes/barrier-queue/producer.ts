import { equalBytes, toBytes } from '../../core/base/bytes.js';
import { hasCode } from '../../core/base/errors.js';
import { NO_LEASE } from '../../core/base/key-value.js';
import type { Compare, Operation, RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, leaseOf, put, type TxnAnswer } from '../../core/txn.js';
import { newAcquisitionId } from '../keys.js';
import { parseObject, toJson } from '../metadata.js';
import { by } from '../metadata.js';
import type { GateKeeper } from './gate-keeper.js';
import { type Gate, gatheringRound, type Layout, readGate, type Slot } from './layout.js';
import { parsePutId, writeItem, writeTimer } from './records.js';
import type { StoreTimer, StoreTimers } from './store-timer.js';

/** A transaction whose answer was lost is repeated, for it recognises its own item, until it has failed so often. */
const FAILURES_MAX = 3;

export interface PutAnswer {
  readonly id: string;
  /** The round it is in. */
  readonly round: number;
  /**
   * Its place among the items of its round that are still there, from 1; 0 if it was put before and is no longer there.
   */
  readonly position: number;
  /** False if an item of this id was there already: that one was kept, and this one was not put. */
  readonly added: boolean;
}

/** An item to put, and what has to happen in the same transaction. */
export interface ItemToPut {
  readonly id: string;
  readonly item: unknown;
  /** Refuse an item of this id for so long after, even if this one has been dealt with. */
  readonly dedupeMs?: number | undefined;
  readonly alsoWhen?: readonly Compare[];
  readonly alsoDo?: readonly Operation[];
}

/** How far one put has come. */
interface Progress {
  /** By which this put recognises its own item after an answer was lost. */
  readonly putId: string;
  gate: Gate;
  /** Whether the item is taken to be the first of its round, which has to set the alarm of `linger`. */
  isFirst: boolean;
  /** The leases it needs, each granted when the first attempt needs it. */
  linger?: StoreTimer;
  seen?: StoreTimer;
}

type Attempt =
  | { readonly outcome: 'added'; readonly answer: TxnAnswer }
  | { readonly outcome: 'known'; readonly round: number; readonly position: number; readonly isOurs: boolean }
  /** The gate, or whether the round is empty, was not as it was taken to be; now it is known. */
  | { readonly outcome: 'again' }
  | { readonly outcome: 'refused' };

/** Puts items into the round that gathers, and opens the gate if the item was what the round waited for. */
export class Producer {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #keeper: GateKeeper;
  readonly #timers: StoreTimers;
  readonly #lingerMs: number | undefined;
  /** The gate as we last knew it; a transaction finds out if it has changed. */
  #known: Gate | undefined;
  /** Whether the round that gathers was empty when we last looked, by the same logic. */
  #expectsFirst = true;

  constructor(parts: {
    readonly store: Store;
    readonly layout: Layout;
    readonly keeper: GateKeeper;
    readonly timers: StoreTimers;
    readonly lingerMs: number | undefined;
  }) {
    this.#store = parts.store;
    this.#layout = parts.layout;
    this.#keeper = parts.keeper;
    this.#timers = parts.timers;
    this.#lingerMs = parts.lingerMs;
  }

  /**
   * @returns undefined if `alsoWhen` did not hold; nothing was done then
   * @throws {@link OutcomeUnknownError} if the store lost the answer time and again; put it again with the same id
   */
  async put(toPut: ItemToPut, signal: AbortSignal): Promise<PutAnswer | undefined> {
    const gate = this.#known ?? (await this.#keeper.gate(signal));
    const isFirst = this.#lingerMs !== undefined && this.#expectsFirst;
    const progress: Progress = { putId: newAcquisitionId(this.#store.prng), gate, isFirst };
    let mayArriveLater = false;
    let lost: { readonly error: unknown; readonly round: number } | undefined;
    try {
      for (let failures = 0; ;) {
        try {
          const attempt = await this.#attempt(toPut, progress, signal);
          this.#known = progress.gate;
          if (attempt.outcome !== 'again') return await this.#conclude(toPut.id, progress, attempt, signal);
        } catch (error) {
          const isLost = hasCode(error, 'OUTCOME_UNKNOWN');
          if (isLost) lost ??= { error, round: gatheringRound(progress.gate) };
          mayArriveLater ||= isLost || signal.aborted;
          failures += 1;
          if (hasCode(error, 'LEASE_NOT_FOUND')) forgetLeases(progress);
          else if (!isLost) throw error;
          if (failures === FAILURES_MAX) throw error;
        }
        // Once its round has been opened, an item that is not there may have been dealt with already.
        if (lost && gatheringRound(progress.gate) > lost.round) throw lost.error;
      }
    } finally {
      // Revoked, the alarm of an item that arrives later would sound at once; left alone, the leases end by themselves.
      if (!mayArriveLater) await this.#dropLeases(progress);
    }
  }

  async #attempt(toPut: ItemToPut, progress: Progress, signal: AbortSignal): Promise<Attempt> {
    const { gate, isFirst } = progress;
    const round = gatheringRound(gate);
    const slot = { round, id: toPut.id };
    const answer = await this.#store
      .txn()
      .when(
        this.#layout.isUnchanged(gate),
        ...this.#isNew(toPut.id, gate),
        ...this.#isFirstOrNot(round, isFirst),
        ...(toPut.alsoWhen ?? []),
      )
      .do(
        put(this.#layout.of('item', slot), writeItem(toPut.item, progress.putId, by(this.#store))),
        ...(await this.#leasedKeys(toPut, progress, signal)),
        ...(toPut.alsoDo ?? []),
        // Last, so that they see what the others did.
        get(this.#layout.round('item', gate.round), { countOnly: true }),
        ...this.#keeper.factReads(round),
      )
      .otherwise(
        get(this.#layout.gate),
        get(this.#layout.round('item', round), { countOnly: true }),
        get(this.#layout.of('item', slot)),
        get(this.#layout.of('item', { round: gate.round, id: toPut.id })),
        get(this.#layout.seen(toPut.id)),
      )
      .commit({ signal });
    if (answer.succeeded) return { outcome: 'added', answer };
    return this.#explain(toPut.id, progress, answer, signal);
  }

  /** Nobody may have put this id, neither into the round that gathers nor into one that is being drained. */
  #isNew(id: string, gate: Gate): readonly Compare[] {
    const rounds = new Set([gate.round, gatheringRound(gate)]);
    return [
      ...[...rounds].map((round) => createRevision(this.#layout.of('item', { round, id })).equals(0)),
      // A mark without a lease is foreign: it would never end.
      leaseOf(this.#layout.seen(id)).equals(NO_LEASE),
    ];
  }

  #isFirstOrNot(round: number, isFirst: boolean): readonly Compare[] {
    if (this.#lingerMs === undefined) return [];
    const created = createRevision(this.#layout.round('item', round));
    return [isFirst ? created.equals(0) : created.isGreaterThan(0)];
  }

  async #leasedKeys(toPut: ItemToPut, progress: Progress, signal: AbortSignal): Promise<readonly Operation[]> {
    const round = gatheringRound(progress.gate);
    const keys: Operation[] = [];
    if (progress.isFirst && this.#lingerMs !== undefined) {
      const timer = (progress.linger ??= await this.#timers.grant(this.#lingerMs, signal));
      keys.push(put(this.#layout.linger(round), writeTimer(timer.durationMs, by(this.#store)), { lease: timer.lease }));
    }
    if (toPut.dedupeMs !== undefined) {
      const { lease } = (progress.seen ??= await this.#timers.grant(toPut.dedupeMs, signal));
      keys.push(put(this.#layout.seen(toPut.id), writeSeen(round, progress.putId), { lease }));
    }
    return keys;
  }

  /** Finds out which of the transaction's conditions did not hold. */
  async #explain(id: string, progress: Progress, answer: TxnAnswer, signal: AbortSignal): Promise<Attempt> {
    const { gate, isFirst } = progress;
    const [gateNow, gathering, item, draining, seen] = answer.responses as readonly RangeResult[];
    const round = gatheringRound(gate);
    const found = item?.kvs[0] ?? draining?.kvs[0];
    if (found) {
      const slot = { round: item?.kvs[0] ? round : gate.round, id };
      const isOurs = parsePutId(found.value) === progress.putId;
      return { outcome: 'known', round: slot.round, position: await this.#positionOf(slot, signal), isOurs };
    }
    if (seen?.kvs[0] && seen.kvs[0].lease !== NO_LEASE) {
      const { value } = seen.kvs[0];
      return { outcome: 'known', round: parseSeen(value), position: 0, isOurs: parsePutId(value) === progress.putId };
    }
    if ((gateNow?.kvs[0]?.modRevision ?? 0) !== gate.modRevision) {
      progress.gate = readGate(gateNow?.kvs[0]) ?? (await this.#keeper.gate(signal));
      progress.isFirst = this.#lingerMs !== undefined;
      return { outcome: 'again' };
    }
    const isEmpty = gathering?.count === 0;
    if (this.#lingerMs === undefined || isFirst === isEmpty) return { outcome: 'refused' };
    progress.isFirst = isEmpty;
    return { outcome: 'again' };
  }

  async #positionOf(slot: Slot, signal: AbortSignal): Promise<number> {
    const { kvs } = await this.#store.range(this.#layout.round('item', slot.round), { keysOnly: true, signal });
    const key = toBytes(this.#layout.of('item', slot));
    const own = kvs.find((kv) => equalBytes(kv.key, key));
    return own ? kvs.filter((kv) => kv.createRevision <= own.createRevision).length : 0;
  }

  async #conclude(
    id: string,
    progress: Progress,
    attempt: Exclude<Attempt, { outcome: 'again' }>,
    signal: AbortSignal,
  ): Promise<PutAnswer | undefined> {
    if (attempt.outcome === 'refused') return undefined;
    if (attempt.outcome === 'known') {
      // Whoever put it may not have lived, or heard of it, to open the gate.
      await this.#keeper.tendQuietly(this.#store.logger, () => this.#keeper.tend(signal));
      return { id, round: attempt.round, position: attempt.position, added: attempt.isOurs };
    }
    const { gate } = progress;
    this.#expectsFirst = false;
    this.#armLeases(progress);
    const round = gatheringRound(gate);
    const readCount = this.#keeper.factReads(round).length;
    const [draining, ...reads] = attempt.answer.responses.slice(-1 - readCount) as readonly RangeResult[];
    const facts = this.#keeper.factsOf(round, gate.consented, reads);
    await this.#keeper.tendQuietly(this.#store.logger, async () => {
      if (gate.state === 'closed') await this.#keeper.openIfDue(gate, facts, signal);
      if (gate.state === 'open' && draining?.count === 0) await this.#keeper.closeIfDrained(gate, signal);
    });
    return { id, round, position: facts.itemCount, added: true };
  }

  /** The item is in, and the leases are in use: that of the linger only if it was the first of its round. */
  #armLeases(progress: Progress): void {
    delete progress.seen;
    if (!progress.isFirst || !progress.linger) return;
    this.#timers.arm(progress.linger, () => void this.#keeper.tendQuietly(this.#store.logger));
    delete progress.linger;
  }

  async #dropLeases({ linger, seen }: Progress): Promise<void> {
    if (linger) await this.#timers.drop(linger);
    if (seen) await this.#timers.drop(seen);
  }
}

function forgetLeases(progress: Progress): void {
  delete progress.linger;
  delete progress.seen;
}

function writeSeen(round: number, putId: string): Uint8Array {
  return toJson({ round, putId }, 'seen');
}

function parseSeen(value: Uint8Array): number {
  return Number(parseObject(value)?.['round']) || 0;
}
