import type { Logger } from '../../core/base/logger.js';
import { hasCode } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import { type KeyValue, NO_LEASE } from '../../core/base/key-value.js';
import type { Compare, Operation, RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, modRevision, put, type TxnAnswer } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
import { by } from '../metadata.js';
import { type Gate, gateByItems, type Layout, readGate } from './layout.js';
import { writeGate } from './records.js';
import { itemsNamed, keysNamed, lingerMsOf, proofOf, type Release, type RoundFacts } from './release.js';

/** So often at most it is written over before somebody notices. */
const LOOKS_BACK_MAX = 16;

/**
 * Opens and closes the gate. Anybody may try at any time: whether a round is to be opened or closed follows from what is
 * in the store, and the compare with the gate's revision lets one attempt through. So it does not matter who dies when.
 */
export class GateKeeper {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #release: Release;
  readonly #lingers: boolean;
  readonly #foreign: ForeignReport;

  constructor(store: Store, layout: Layout, release: Release) {
    this.#store = store;
    this.#layout = layout;
    this.#release = release;
    this.#lingers = lingerMsOf(release) !== undefined;
    this.#foreign = new ForeignReport(store.logger, `barrier queue in ${layout.live}`);
  }

  /** The gate at present. One whose key holds what no queue wrote is first put back as it was. */
  async gate(signal?: AbortSignal): Promise<Gate> {
    for (;;) {
      const kv = await this.#store.get(this.#layout.gate, signal ? { signal } : {});
      const gate = readGate(kv) ?? (kv && (await this.#mend(kv, signal)));
      if (gate) return gate;
    }
  }

  /** Writes over what is foreign. @returns undefined if that has changed meanwhile */
  async #mend(kv: KeyValue, signal: AbortSignal | undefined): Promise<Gate | undefined> {
    this.#foreign.found(kv.key);
    const { round, state, consented } = (await this.#before(kv, signal)) ?? (await this.#byItems(signal));
    const { succeeded, revision } = await this.#store
      .txn()
      .when(modRevision(kv.key).equals(kv.modRevision))
      .do(put(kv.key, this.#written({ round, state, consented })))
      .commit(signal ? { signal } : {});
    return succeeded ? { round, state, consented, modRevision: revision } : undefined;
  }

  /** The gate as it was before somebody wrote over it, if the store remembers: nobody has changed it since. */
  async #before(
    { key, modRevision: overwritten }: KeyValue,
    signal: AbortSignal | undefined,
  ): Promise<Gate | undefined> {
    let revision = overwritten - 1;
    for (let looks = 0; looks < LOOKS_BACK_MAX; looks += 1) {
      try {
        const kv = await this.#store.get(key, { revision, ...(signal && { signal }) });
        const gate = readGate(kv);
        if (gate) return gate;
        revision = (kv as KeyValue).modRevision - 1;
      } catch (error) {
        if (hasCode(error, 'COMPACTED')) return undefined;
        throw error;
      }
    }
    return undefined;
  }

  async #byItems(signal: AbortSignal | undefined): Promise<Gate> {
    const { kvs } = await this.#store.range(prefix(this.#layout.live), { keysOnly: true, ...(signal && { signal }) });
    return gateByItems(kvs.flatMap(({ key }) => this.#layout.parse(key) ?? []));
  }

  /** The reads that tell what {@link factsOf} needs, as operations of a transaction. */
  factReads(round: number): readonly Operation[] {
    return [
      get(this.#layout.round('item', round), { countOnly: true }),
      ...(this.#lingers ? [get(this.#layout.linger(round), { keysOnly: true })] : []),
      ...itemsNamed(this.#release).map((id) => get(this.#layout.of('item', { round, id }), { keysOnly: true })),
      ...keysNamed(this.#release, round).map((name) => get(name, { keysOnly: true })),
    ];
  }

  /** @param answers - what the store answered to {@link factReads} */
  factsOf(round: number, consented: boolean, answers: TxnAnswer['responses']): RoundFacts {
    const reads = answers as readonly RangeResult[];
    const ids = itemsNamed(this.#release);
    const names = keysNamed(this.#release, round);
    const itemsAt = this.#lingers ? 2 : 1;
    const isThere = (index: number) => (reads[index]?.kvs.length ?? 0) > 0;
    return {
      round,
      consented,
      itemCount: reads[0]?.count ?? 0,
      isRough: true,
      // A mark without a lease is foreign: it would never end.
      lingered: this.#lingers && (reads[1]?.kvs[0]?.lease ?? NO_LEASE) === NO_LEASE,
      hasItem: (id) => isThere(itemsAt + ids.indexOf(id)),
      hasKey: (name) => isThere(itemsAt + ids.length + names.indexOf(name)),
    };
  }

  /**
   * Opens a closed gate if the release allows it.
   *
   * @returns whether it was we who opened it
   */
  async openIfDue(gate: Gate, facts: RoundFacts, signal?: AbortSignal): Promise<boolean> {
    if (gate.state === 'open' || !proofOf(this.#release, facts)) return false;
    // Once a round, and not for every item: what looks due is looked at.
    const proof = proofOf(this.#release, facts.isRough ? await this.#exact(facts, signal) : facts);
    if (!proof) return false;
    const { succeeded } = await this.#store
      .txn()
      .when(this.#layout.isUnchanged(gate), ...proof)
      .do(put(this.#layout.gate, this.#written({ round: gate.round, state: 'open', consented: facts.consented })))
      .commit(signal ? { signal } : {});
    return succeeded;
  }

  async #exact(facts: RoundFacts, signal: AbortSignal | undefined): Promise<RoundFacts> {
    const items = this.#layout.round('item', facts.round);
    const { kvs } = await this.#store.range(items, { keysOnly: true, ...(signal && { signal }) });
    const foreign = kvs.filter(({ key }) => this.#layout.parse(key) === undefined);
    for (const { key } of foreign) this.#foreign.found(key);
    return { ...facts, itemCount: kvs.length - foreign.length, isRough: false };
  }

  /**
   * Closes an open gate if its round is drained, and opens the next round if that is due already.
   *
   * @returns whether it was we who closed it
   */
  async closeIfDrained(gate: Gate, signal?: AbortSignal): Promise<boolean> {
    return this.#closeIf(createRevision(this.#layout.round('item', gate.round)).equals(0), gate, signal);
  }

  /** The same for those who see no item in the round: keys there that are no items must not keep it open for ever. */
  async closeOverForeign(gate: Gate, signal?: AbortSignal): Promise<void> {
    if (gate.state === 'closed' || (await this.closeIfDrained(gate, signal))) return;
    const items = this.#layout.round('item', gate.round);
    const { kvs, revision } = await this.#store.range(items, { keysOnly: true, ...(signal && { signal }) });
    if (kvs.length === 0 || kvs.some(({ key }) => this.#layout.parse(key) !== undefined)) return;
    for (const { key } of kvs) this.#foreign.found(key);
    // Nothing was put since they were looked at.
    await this.#closeIf(modRevision(items).isLessThan(revision + 1), gate, signal);
  }

  async #closeIf(isDrained: Compare, gate: Gate, signal: AbortSignal | undefined): Promise<boolean> {
    if (gate.state === 'closed') return false;
    const next = { round: gate.round + 1, state: 'closed', consented: false } as const;
    const { succeeded, responses, revision } = await this.#store
      .txn()
      .when(this.#layout.isUnchanged(gate), isDrained)
      .do(put(this.#layout.gate, this.#written(next)), ...this.factReads(next.round))
      .commit(signal ? { signal } : {});
    if (!succeeded) return false;
    const facts = this.factsOf(next.round, false, responses.slice(1));
    await this.openIfDue({ ...next, modRevision: revision }, facts, signal);
    return true;
  }

  /** Reads the gate, and closes or opens it if that is due. */
  async tend(signal?: AbortSignal): Promise<void> {
    const gate = await this.gate(signal);
    if (gate.state === 'open') return void (await this.closeIfDrained(gate, signal));
    const answer = await this.readRound(gate, signal);
    if (answer) await this.openIfDue(gate, this.factsOf(gate.round, gate.consented, answer), signal);
  }

  /** The same for those who have done their own work, which must not fail with this: others will do it. */
  async tendQuietly(logger: Logger, work: () => Promise<unknown> = () => this.tend()): Promise<void> {
    try {
      await work();
    } catch (error) {
      logger.debug({ gate: this.#layout.gate, err: error }, 'a gate is left for others to open or close');
    }
  }

  /**
   * The word of a hand that the round may be opened.
   *
   * @returns the round, and whether it was we who opened it; undefined if the gate changed meanwhile
   */
  async consent(gate: Gate, signal?: AbortSignal): Promise<{ round: number; opened: boolean } | undefined> {
    const { round } = gate;
    if (gate.state === 'open') return { round, opened: false };
    const answer = await this.readRound(gate, signal);
    if (!answer) return undefined;
    const facts = this.factsOf(round, true, answer);
    if (await this.openIfDue(gate, facts, signal)) return { round, opened: true };
    if (gate.consented) return { round, opened: false };
    const said = await this.#store
      .txn()
      .when(this.#layout.isUnchanged(gate))
      .do(put(this.#layout.gate, this.#written({ round, state: 'closed', consented: true })), ...this.factReads(round))
      .commit(signal ? { signal } : {});
    if (!said.succeeded) return undefined;
    // An item may have come between the two, whose producer did not know of our word.
    const consented = { ...gate, consented: true, modRevision: said.revision };
    const factsNow = this.factsOf(round, true, said.responses.slice(1));
    return { round, opened: await this.openIfDue(consented, factsNow, signal) };
  }

  /** What {@link factReads} reads of the gate's round, or undefined if the gate has changed. */
  async readRound(gate: Gate, signal?: AbortSignal): Promise<TxnAnswer['responses'] | undefined> {
    const answer = await this.#store
      .txn()
      .when(this.#layout.isUnchanged(gate))
      .do(...this.factReads(gate.round))
      .commit(signal ? { signal } : {});
    return answer.succeeded ? answer.responses : undefined;
  }

  #written(gate: Omit<Gate, 'modRevision'>): Uint8Array {
    return writeGate(gate, by(this.#store));
  }
}
