import type { Clock, Timer } from '../base/clock.js';
import type { CoordinationError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { MemberInfo } from '../machine/types.js';
import type { FollowerProgress } from '../raft/progress.js';
import type { MemberId } from '../raft/types.js';
import type { MembershipChange } from './membership-changes.js';

export interface PromoterParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Members of the applied state. */
  readonly members: () => readonly MemberInfo[];
  readonly progress: () => readonly FollowerProgress[];
  readonly lastIndex: () => number;
  /** Promotes it as the leader. */
  readonly promote: (change: MembershipChange) => Promise<unknown>;
  readonly settings: {
    readonly promoteLagEntries: number;
    readonly healthyAfterMs: number;
    readonly heartbeatMs: number;
  };
}

/**
 * Gives learners a vote when they have caught up with the leader's log, and have kept up with it for a while; one that
 * replaces another member takes its place in the same change. It runs while this member leads.
 */
export class Promoter {
  readonly #parts: PromoterParts;
  /** Since when each learner has kept up. */
  readonly #keepingUpSinceMs = new Map<MemberId, number>();
  #timer: Timer | undefined;
  #isPromoting = false;

  constructor(parts: PromoterParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#keepingUpSinceMs.clear();
    this.#look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    const { clock, settings, progress } = this.#parts;
    this.#timer = clock.after(settings.heartbeatMs, this.#look);
    const learners = progress().filter(({ isLearner }) => isLearner);
    this.#note(learners);
    if (this.#isPromoting) return;
    const ready = learners.find(({ id }) => this.#isReady(id));
    if (ready !== undefined) void this.#promote(ready.id);
  };

  #note(learners: readonly FollowerProgress[]): void {
    const { clock, settings, lastIndex } = this.#parts;
    for (const id of this.#keepingUpSinceMs.keys()) {
      if (!learners.some((learner) => learner.id === id)) this.#keepingUpSinceMs.delete(id);
    }
    for (const { id, state, isActive, matchedIndex } of learners) {
      const keepsUp = isActive && state === 'replicate' && matchedIndex + settings.promoteLagEntries >= lastIndex();
      if (!keepsUp) this.#keepingUpSinceMs.delete(id);
      else if (!this.#keepingUpSinceMs.has(id)) this.#keepingUpSinceMs.set(id, clock.now());
    }
  }

  #isReady(id: MemberId): boolean {
    const { clock, settings, members } = this.#parts;
    const sinceMs = this.#keepingUpSinceMs.get(id);
    if (sinceMs === undefined || clock.now() - sinceMs < settings.healthyAfterMs) return false;
    return members().some((member) => member.id === id && member.incarnation !== 0n);
  }

  async #promote(id: MemberId): Promise<void> {
    const { logger, promote } = this.#parts;
    const learner = id.toString(16);
    this.#isPromoting = true;
    try {
      await promote({ type: 'promote', id });
      logger.info({ learner }, 'a learner has caught up and is given a vote');
    } catch (error) {
      logger.debug({ learner, reason: (error as CoordinationError).message }, 'a learner is not given a vote yet');
    } finally {
      this.#isPromoting = false;
    }
  }
}
