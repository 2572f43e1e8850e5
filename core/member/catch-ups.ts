import type { Logger } from '../base/logger.js';
import type { Raft } from '../raft/raft.js';
import type { MemberId } from '../raft/types.js';

/**
 * Followers that are being sent a snapshot, and have not yet caught up since. They need the log from where it was taken:
 * if the leader let go of that while the snapshot is on its way, each would only end with the next one being sent.
 *
 * @remarks etcd compacts nothing while a snapshot is on its way, and CockroachDB nothing behind one; here that has a bound.
 */
export class CatchUps {
  readonly #raft: Pick<Raft, 'progress'>;
  readonly #logger: Logger;
  /** Behind which entry each follower needs the log. */
  readonly #from = new Map<MemberId, number>();

  constructor(raft: Pick<Raft, 'progress'>, logger: Logger) {
    this.#raft = raft;
    this.#logger = logger;
  }

  /** A snapshot that ends with the entry `index` is on its way to a follower. */
  begin(follower: MemberId, index: number): void {
    this.#from.set(follower, index);
  }

  /** What was on its way to a follower does not arrive. */
  end(follower: MemberId): void {
    this.#from.delete(follower);
  }

  /**
   * Up to where the log may be let go of, if it might otherwise be up to `index`. A follower that has as much, that has left
   * or is not heard from, needs nothing more; nor does any once this member leads no more.
   */
  mayLetGoTo(index: number): number {
    if (this.#from.size === 0) return index;
    const followers = new Map(this.#raft.progress().map((follower) => [follower.id, follower]));
    for (const [id, from] of this.#from) {
      const { isActive = false, matchedIndex = 0 } = followers.get(id) ?? {};
      if (isActive && matchedIndex < index) this.#from.set(id, Math.max(from, matchedIndex));
      else this.#from.delete(id);
    }
    return Math.min(index, ...this.#from.values());
  }

  /** So much has gathered that the log is let go of all the same: whoever is not far enough needs another snapshot. */
  giveUp(heldBytes: number): void {
    const followers = [...this.#from.keys()].map((id) => id.toString(16));
    this.#logger.warn(
      { followers, heldBytes },
      'followers that were sent a snapshot fall too far behind: they need another',
    );
    this.#from.clear();
  }
}
