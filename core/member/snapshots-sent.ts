import type { Backend } from '../backend/backend.js';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { PeerTransport } from '../peer/types.js';
import type { Raft } from '../raft/raft.js';
import type { MemberId } from '../raft/types.js';
import { takeSnapshot } from '../snapshot/take-snapshot.js';
import type { CatchUps } from './catch-ups.js';

export interface SnapshotsSentParts {
  readonly memberId: MemberId;
  readonly raft: Raft;
  readonly backend: () => Backend;
  readonly transport: () => PeerTransport | undefined;
  readonly catchUps: CatchUps;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly snapshotsSentMax: number;
  readonly wake: () => void;
}

/**
 * Brings followers up to date for whom the log does not reach back far enough: with a view of the state, taken when its
 * turn comes and sent beside everything else. A few at a time, for each reads the whole state.
 */
export class SnapshotsSent {
  readonly #parts: SnapshotsSentParts;
  readonly #waiting = new Set<MemberId>();
  readonly #underWay = new Map<MemberId, AbortController>();
  readonly #sending = new Set<Promise<void>>();

  constructor(parts: SnapshotsSentParts) {
    this.#parts = parts;
  }

  /** Followers that raft wants to have a snapshot. */
  want(followers: readonly MemberId[]): void {
    for (const id of followers) this.#waiting.add(id);
    this.#begin();
  }

  /** This member leads no more, or ends: nobody needs its snapshots. Resolves when none is under way. */
  async stop(reason: Error): Promise<void> {
    this.#waiting.clear();
    for (const sending of this.#underWay.values()) sending.abort(reason);
    await Promise.all(this.#sending);
  }

  #begin(): void {
    for (const id of this.#waiting) {
      if (this.#underWay.size >= this.#parts.snapshotsSentMax) return;
      // One that is being given up has to end first.
      if (this.#underWay.has(id)) continue;
      this.#waiting.delete(id);
      const sending = this.#send(id);
      this.#sending.add(sending);
      void sending.finally(() => {
        this.#sending.delete(sending);
        this.#begin();
      });
    }
  }

  async #send(to: MemberId): Promise<void> {
    const { raft, catchUps, logger, wake } = this.#parts;
    const aborter = new AbortController();
    this.#underWay.set(to, aborter);
    const follower = to.toString(16);
    try {
      const facts = await this.#sendWhole(to, aborter.signal);
      logger.info({ follower, ...facts }, 'a follower that lagged far behind received a snapshot');
      raft.reportSnapshot(to, 'installed');
    } catch (error) {
      logger.warn({ follower, reason: (error as Error).message }, 'a snapshot did not reach a follower');
      catchUps.end(to);
      raft.reportSnapshot(to, 'failed');
    } finally {
      this.#underWay.delete(to);
      wake();
    }
  }

  async #sendWhole(to: MemberId, signal: AbortSignal): Promise<{ index: number; sizeBytes: number }> {
    const { memberId, raft, backend, transport, catchUps, clock } = this.#parts;
    const peers = transport();
    if (peers === undefined) throw new Error('there is no way to other members');
    const snapshot = takeSnapshot(backend(), clock);
    const { index, term, configuration } = snapshot.position;
    catchUps.begin(to, index);
    const announcement = {
      type: 'installSnapshot',
      from: memberId,
      to,
      term: raft.term,
      lastIndex: index,
      lastTerm: term,
      configuration,
    } as const;
    try {
      await peers.sendSnapshot(to, announcement, snapshot.chunks(), signal);
      return { index, sizeBytes: snapshot.sizeBytes };
    } finally {
      snapshot.close();
    }
  }
}
