import type { Logger } from '../../core/base/logger.js';
import { prefix } from '../../core/base/key-range.js';
import { type KeyValue, NO_LEASE } from '../../core/base/key-value.js';
import type { Compare, Operation, RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, modRevision, put, type TxnAnswer } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
import { by } from '../metadata.js';
import { type Gate, gateByItems, type Layout, NO_GATE, readGate } from './layout.js';
import { writeGate } from './records.js';
import { itemsNamed, keysNamed, lingerMsOf, proofOf, type Release, type RoundFacts } from './release.js';

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

  async gate(signal?: AbortSignal): Promise<Gate> {
    return this.gateOf(await this.#store.get(this.#layout.gate, signal ? { signal } : {}), signal);
  }

  /** The gate behind what its key holds. If no queue wrote that, the other keys tell how it must have been. */
  async gateOf(kv: KeyValue | undefined, signal?: AbortSignal): Promise<Gate> {
    const gate = readGate(kv);
    if (gate || !kv) return gate ?? NO_GATE;
    this.#foreign.found(kv.key);
    const { kvs } = await this.#store.range(prefix(this.#layout.live), { keysOnly: true, ...(signal && { signal }) });
    return gateByItems(
      kvs.flatMap(({ key }) => this.#layout.parse(key) ?? []),
      kv.modRevision,
    );
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
    const proof = proofOf(this.#release, facts);
    if (gate.state === 'open' || !proof) return false;
    const { succeeded } = await this.#store
      .txn()
      .when(this.#layout.isUnchanged(gate), ...proof)
      .do(put(this.#layout.gate, this.#written({ round: gate.round, state: 'open', consented: facts.consented })))
      .commit(signal ? { signal } : {});
    return succeeded;
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
