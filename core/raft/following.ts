import { assert } from '../base/assert.js';
import { isMember } from './quorum.js';
import type { RaftState } from './state.js';
import type { AppendEntriesRequest, Entry, HeartbeatRequest, InstallSnapshotRequest } from './types.js';

/** How a member takes what the leader of its term sends (Ongaro 2014, sections 3.5 and 5.1). */
export class Following {
  readonly #state: RaftState;

  constructor(state: RaftState) {
    this.#state = state;
  }

  /**
   * Takes entries if the one before them is here. What is committed here is in the leader's log too, so a message that
   * begins before it, be it old or repeated, is taken from there on, and never cuts anything off.
   */
  appendEntries(message: AppendEntriesRequest): void {
    const { from, previousIndex, previousTerm, entries } = message;
    const { commitIndex, configuration, log } = this.#state;
    const lastNewIndex = previousIndex + entries.length;
    if (lastNewIndex <= commitIndex) return this.#acknowledge(from, commitIndex);
    if (previousIndex >= commitIndex) {
      if (!log.has({ index: previousIndex, term: previousTerm })) return this.#reject(message);
    } else if (!log.has(entries[commitIndex - previousIndex - 1] as Entry)) {
      assert(!isMember(configuration, from), 'a leader has every committed entry');
      return;
    }
    this.#adopt(entries);
    this.#state.commitTo(Math.min(message.commitIndex, lastNewIndex));
    this.#acknowledge(from, lastNewIndex);
  }

  /** What a leader says to be committed here it takes from this member's own acknowledgements. */
  heartbeat({ from, commitIndex, readRound }: HeartbeatRequest): void {
    if (commitIndex <= this.#state.log.lastIndex) this.#state.commitTo(commitIndex);
    this.#state.send(from, { type: 'heartbeatAnswer', readRound });
  }

  /**
   * Takes a snapshot that has been received, unless it is not needed: what is committed is here already, and a log that
   * holds its last entry holds everything before it, and perhaps more behind, which must not be lost. A log that has
   * another entry there is replaced like one that has none.
   */
  installSnapshot({ from, lastIndex, lastTerm, configuration }: InstallSnapshotRequest): void {
    const { commitIndex, log } = this.#state;
    if (lastIndex > commitIndex) {
      if (log.has({ index: lastIndex, term: lastTerm })) this.#state.commitTo(lastIndex);
      else this.#state.restartAt({ index: lastIndex, term: lastTerm, configuration });
    }
    const matchedIndex = Math.max(lastIndex, commitIndex);
    this.#state.send(from, { type: 'installSnapshotAnswer', matchedIndex }, matchedIndex);
  }

  /** Entries that are here already stay; from the first one on that differs, everything is replaced. */
  #adopt(entries: readonly Entry[]): void {
    const { log } = this.#state;
    for (const entry of entries) {
      if (entry.index <= this.#state.commitIndex || log.has(entry)) continue;
      if (entry.index <= log.lastIndex) this.#state.truncateFrom(entry.index);
      this.#state.append(entry);
    }
  }

  #acknowledge(to: bigint, matchedIndex: number): void {
    this.#state.send(to, { type: 'appendEntriesAnswer', accepted: true, matchedIndex }, matchedIndex);
  }

  /** Says where the two logs may still agree: the last entry here of a term that is not above the leader's. */
  #reject({ from, previousIndex, previousTerm }: AppendEntriesRequest): void {
    const { log, commitIndex } = this.#state;
    const hintIndex = Math.max(commitIndex, log.lastIndexUpTo({ index: previousIndex, term: previousTerm }));
    const hintTerm = log.termAt(hintIndex);
    this.#state.send(from, { type: 'appendEntriesAnswer', accepted: false, previousIndex, hintIndex, hintTerm });
  }
}
