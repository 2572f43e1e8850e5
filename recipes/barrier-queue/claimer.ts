import { hasCode } from '../../core/base/errors.js';
import { type KeyValue, NO_LEASE } from '../../core/base/key-value.js';
import type { RangeResult } from '../../core/base/operation.js';
import { between, type Prng } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import { createRevision, get, leaseOf, modRevision, put, remove, type TxnAnswer } from '../../core/txn.js';
import { ForeignReport } from '../foreign.js';
import { newAcquisitionId } from '../keys.js';
import { by, type Metadata, ownerHere, parseObject, toJson } from '../metadata.js';
import { persist } from '../retry.js';
import type { Session } from '../session/session.js';
import type { Claim } from './delivery.js';
import { type Layout, slotName } from './layout.js';
import { writeAttempts, writeDead } from './records.js';
import type { Candidate, QueueView } from './queue-view.js';

/** Among so many of the first items, at most, a consumer that keeps losing races picks one by chance. */
const WINDOW_MAX = 64;
const UNANSWERED = 'no consumer answered for it';

/** What became of trying for an item: it is ours, it went to the dead letters (for this reason), or it is somebody else's. */
export interface Outcome {
  /** By this revision the view shows it. */
  readonly revision: number;
  readonly claim?: Claim;
  readonly buried?: string;
}

/**
 * Takes items for one process. A lone consumer takes the first item there is, so the order is strict. When others are
 * faster, it looks among twice as many of the first items, and after each success among one less: however many consumers
 * wake at once, few of them want the same item. (Halving after a success would try 1.8 times for an item where this tries
 * 1.4 times, with five consumers as fast as each other.)
 */
export class Claimer {
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #prng: Prng;
  readonly #attemptsMax: number;
  readonly #metadata: Metadata | undefined;
  readonly #foreign: ForeignReport;
  /** Items that the view still shows as free although we know better, and the revision by which it will know, too. */
  readonly #stale = new Map<string, { readonly round: number; readonly untilRevision: number }>();
  #window = 1;

  constructor(parts: {
    readonly store: Store;
    readonly layout: Layout;
    readonly prng: Prng;
    readonly attemptsMax: number;
    readonly metadata: Metadata | undefined;
  }) {
    this.#store = parts.store;
    this.#layout = parts.layout;
    this.#prng = parts.prng;
    this.#attemptsMax = parts.attemptsMax;
    this.#metadata = parts.metadata;
    this.#foreign = new ForeignReport(parts.store.logger, `claims in ${parts.layout.live}`);
  }

  /** Whether some items are left out because the view is behind. */
  get isAhead(): boolean {
    return this.#stale.size > 0;
  }

  /** An item to try for, or undefined if there is none. It is left out until {@link claim} has tried. */
  pick(view: QueueView): Candidate | undefined {
    this.#forgetStale(view);
    const first: Candidate[] = [];
    for (const candidate of view.candidates()) {
      if (this.#stale.has(slotName(candidate))) continue;
      first.push(candidate);
      if (first.length === this.#window) break;
    }
    const picked = first[between(this.#prng, 0, first.length - 1)];
    if (picked) this.#leaveOut(picked, Number.POSITIVE_INFINITY);
    return picked;
  }

  /**
   * Tries to take a picked item. Ends with an answer or with the session, whichever comes first: a claim whose answer was
   * lost is asked for again, and recognises itself.
   *
   * @throws {@link SessionLostError}
   */
  async claim(candidate: Candidate, session: Session): Promise<Outcome> {
    try {
      const spent = candidate.attempts >= this.#attemptsMax;
      const outcome = await (spent ? this.#bury(candidate, session) : this.#tryFor(candidate, session));
      this.#leaveOut(candidate, outcome.revision);
      return outcome;
    } catch (error) {
      this.#stale.delete(slotName(candidate));
      throw hasCode(error, 'LEASE_NOT_FOUND') ? session.reportGone(error) : error;
    }
  }

  #leaveOut(candidate: Candidate, untilRevision: number): void {
    this.#stale.set(slotName(candidate), { round: candidate.round, untilRevision });
  }

  #forgetStale(view: QueueView): void {
    for (const [name, { round, untilRevision }] of this.#stale) {
      if (untilRevision <= view.revision || round < view.gate.round) this.#stale.delete(name);
    }
  }

  async #tryFor(candidate: Candidate, session: Session): Promise<Outcome> {
    const owner = ownerHere(this.#store, newAcquisitionId(this.#store.prng), {
      ...this.#metadata,
      attempt: candidate.attempts + 1,
    });
    const claimKey = this.#layout.of('claim', candidate);
    const txn = this.#isAsSeen(candidate)
      .do(
        get(this.#layout.of('item', candidate)),
        put(claimKey, toJson(owner, 'metadata'), { lease: session.lease }),
        put(this.#layout.of('try', candidate), writeAttempts({ attempt: candidate.attempts + 1 })),
      )
      .otherwise(...this.#reads(candidate));
    const answer = await persist(this.#store.clock, session.signal, () => txn.commit({ signal: session.signal }));
    const fencingToken = answer.succeeded ? answer.revision : this.#ownClaim(answer, owner.acquisitionId);
    if (fencingToken === undefined) return this.#lost(answer, session);
    this.#window = Math.max(1, this.#window - 1);
    const item = (answer.responses[0] as RangeResult).kvs[0];
    const claim: Claim = {
      round: candidate.round,
      id: candidate.id,
      itemValue: item?.value ?? new Uint8Array(0),
      attempt: candidate.attempts + 1,
      fencingToken,
      lease: session.lease,
    };
    return { revision: fencingToken, claim };
  }

  /** It has been handed out often enough, the last time to somebody who never answered. */
  async #bury(candidate: Candidate, session: Session): Promise<Outcome> {
    const { attempts, reason } = candidate;
    const item = await this.#store.get(this.#layout.of('item', candidate), { signal: session.signal });
    const letter = writeDead(item?.value ?? new Uint8Array(0), attempts, reason ?? UNANSWERED, by(this.#store));
    const txn = this.#isAsSeen(candidate)
      .do(
        remove(this.#layout.of('item', candidate)),
        remove(this.#layout.of('try', candidate)),
        put(this.#layout.deadLetter(candidate), letter),
      )
      .otherwise(...this.#reads(candidate));
    const answer = await persist(this.#store.clock, session.signal, () => txn.commit({ signal: session.signal }));
    return answer.succeeded ? { revision: answer.revision, buried: reason ?? UNANSWERED } : this.#lost(answer, session);
  }

  #isAsSeen(candidate: Candidate) {
    return this.#store.txn().when(
      createRevision(this.#layout.of('item', candidate)).equals(candidate.createRevision),
      createRevision(this.#layout.of('claim', candidate)).equals(0),
      // A mark without a lease is foreign: it would never end.
      leaseOf(this.#layout.of('wait', candidate)).equals(NO_LEASE),
      modRevision(this.#layout.of('try', candidate)).equals(candidate.attemptsRevision),
    );
  }

  #reads(candidate: Candidate) {
    return (['item', 'claim', 'wait', 'try'] as const).map((part) => get(this.#layout.of(part, candidate)));
  }

  /** A claim without a lease would keep the item for ever. Written over, it would keep its create revision, which is our token. */
  async #removeForeign(claim: KeyValue, { signal }: Session): Promise<void> {
    this.#foreign.found(claim.key);
    const unchanged = modRevision(claim.key).equals(claim.modRevision);
    await persist(this.#store.clock, signal, () =>
      this.#store.txn().when(unchanged).do(remove(claim.key)).commit({ signal }),
    );
  }

  #ownClaim(answer: TxnAnswer, acquisitionId: string): number | undefined {
    const claim = (answer.responses[1] as RangeResult).kvs[0];
    return claim && parseObject(claim.value)?.['acquisitionId'] === acquisitionId ? claim.createRevision : undefined;
  }

  /**
   * The view did not show what made the transaction fail, and will do so at the latest at the revision of what was found.
   * An item that is gone never comes back as the same; it is left out until the view has dropped it.
   */
  async #lost(answer: TxnAnswer, session: Session): Promise<Outcome> {
    this.#window = Math.min(WINDOW_MAX, this.#window * 2);
    const [item, ...others] = (answer.responses as readonly RangeResult[]).map(({ kvs }) => kvs[0]);
    if (!item) return { revision: Number.POSITIVE_INFINITY };
    if (others[0]?.lease === NO_LEASE) await this.#removeForeign(others[0], session);
    return { revision: Math.max(...others.map((kv) => kv?.modRevision ?? 0)) };
  }
}
