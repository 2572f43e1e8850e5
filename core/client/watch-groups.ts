import type { ServerWatch } from './server-watch.js';

/** Which watch of the server those who ask for the same can join: of each kind the one that is in step with the store. */
export class WatchGroups {
  readonly #membersMax: number;
  readonly #joinable = new Map<string, ServerWatch>();

  /** @param membersMax - so many watchers share a watch at most; 1: none do */
  constructor(membersMax: number) {
    this.#membersMax = membersMax;
  }

  /**
   * To be asked whenever a watch has come further.
   *
   * @returns the one that its watchers can move to without missing anything or waiting for anybody
   */
  homeOf(watch: ServerWatch): ServerWatch | undefined {
    if (this.#membersMax === 1) return undefined;
    const home = this.#joinable.get(watch.kind);
    if (home === watch) return undefined;
    const hasRoom = home !== undefined && home.memberCount + watch.memberCount <= this.#membersMax;
    if (home?.isLive && hasRoom) return watch.canJoin(home) ? home : undefined;
    const isBetter = !home?.isLive || watch.memberCount < home.memberCount;
    if (watch.isLive && isBetter) this.#joinable.set(watch.kind, watch);
    return undefined;
  }

  /** It is no longer on the server. */
  delete(watch: ServerWatch): void {
    if (this.#joinable.get(watch.kind) === watch) this.#joinable.delete(watch.kind);
  }
}
