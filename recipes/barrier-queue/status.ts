import { prefix } from '../../core/base/key-range.js';
import type { RangeResult } from '../../core/base/operation.js';
import type { Store } from '../../core/store.js';
import { get } from '../../core/txn.js';
import type { GateKeeper } from './gate-keeper.js';
import type { Layout } from './layout.js';
import { neededItems, type Release, unmetOf } from './release.js';

export interface QueueStatus {
  readonly round: number;
  /** `closed` while the round gathers, `open` while it is being drained. */
  readonly state: 'closed' | 'open';
  /** Items of the round that are there: put, and not yet dealt with. */
  readonly ready: number;
  /** How many items the release asks for, if it asks for a number. */
  readonly needed?: number;
  /** What a round that gathers still waits for, in words. */
  readonly unmet: readonly string[];
  /** Items of the round that consumers have at present. */
  readonly claimed: number;
  /** Items of the round that were given back and rest. */
  readonly resting: number;
  /** Items that wait for the next round, put while this one is open. */
  readonly next: number;
  /** Dead letters, of all rounds. */
  readonly dead: number;
  readonly revision: number;
}

export interface StatusParts {
  readonly store: Store;
  readonly layout: Layout;
  readonly keeper: GateKeeper;
  readonly release: Release;
}

/** Reads everything at one revision, for the round that the gate then names. */
export async function readStatus(parts: StatusParts, signal: AbortSignal): Promise<QueueStatus> {
  const { store, layout, keeper, release } = parts;
  for (;;) {
    const gate = await keeper.gate(signal);
    const { round, state } = gate;
    const counted = [
      layout.round('claim', round),
      layout.round('wait', round),
      layout.round('item', round + 1),
      prefix(layout.dead),
    ];
    const answer = await store
      .txn()
      .when(layout.isUnchanged(gate))
      .do(...counted.map((range) => get(range, { countOnly: true })), ...keeper.factReads(round))
      .commit({ signal });
    if (!answer.succeeded) continue;
    const counts = (answer.responses as readonly RangeResult[]).map(({ count }) => count);
    const [claimed = 0, resting = 0, next = 0, dead = 0] = counts;
    const facts = keeper.factsOf(round, gate.consented, answer.responses.slice(counted.length));
    const needed = neededItems(release);
    const unmet = state === 'open' ? [] : unmetOf(release, facts);
    const { revision } = answer;
    const counters = { ready: facts.itemCount, claimed, resting, next, dead };
    return { round, state, ...counters, unmet, revision, ...(needed !== undefined && { needed }) };
  }
}
