import type { Metadata } from '@grpc/grpc-js';
import type { Clock, Timer } from '../base/clock.js';
import { type CoordinationError, LearnerRefusesError, NoLeaderError } from '../base/errors.js';
import type { LeadershipPort } from './ports.js';

/** What clients send that would rather be refused than answered by a member that is cut off from its cluster. */
const WANTS_LEADER = 'hasleader';

/**
 * Which calls a member takes, given its place in the cluster: a learner takes few, and one without a leader none from
 * clients that want a leader. A stream of such a client ends when no leader has been known for `leaderLossMs`; a change of
 * leaders, which takes less, leaves it open.
 */
export class Admission {
  readonly #port: LeadershipPort;
  readonly #clock: Clock;
  readonly #leaderLossMs: number;
  readonly #ends = new Set<(error: Error) => void>();
  readonly #unsubscribe: () => void;
  #loss: Timer | undefined;

  constructor(port: LeadershipPort, clock: Clock, leaderLossMs: number) {
    this.#port = port;
    this.#clock = clock;
    this.#leaderLossMs = leaderLossMs;
    this.#unsubscribe = port.onLeadership((hasLeader) => this.#changed(hasLeader));
  }

  /** Why the call is not taken, if it is not. @param answeredByLearners - whether it is one that a learner takes */
  refusal(metadata: Metadata, answeredByLearners: boolean): CoordinationError | undefined {
    if (!answeredByLearners && this.#port.isLearner) return new LearnerRefusesError();
    if (this.#port.leader === undefined && wantsLeader(metadata)) return new NoLeaderError();
    return undefined;
  }

  /**
   * Looks after an open stream: `end` is called once if it must not go on.
   *
   * @returns ends that
   */
  watchOver(metadata: Metadata, end: (error: Error) => void): () => void {
    if (!wantsLeader(metadata)) return () => {};
    this.#ends.add(end);
    return () => void this.#ends.delete(end);
  }

  close(): void {
    this.#unsubscribe();
    this.#loss?.cancel();
  }

  #changed(hasLeader: boolean): void {
    this.#loss?.cancel();
    this.#loss = hasLeader ? undefined : this.#clock.after(this.#leaderLossMs, () => this.#lost());
  }

  #lost(): void {
    this.#loss = undefined;
    for (const end of [...this.#ends]) end(new NoLeaderError());
    this.#ends.clear();
  }
}

function wantsLeader(metadata: Metadata): boolean {
  return metadata.get(WANTS_LEADER)[0] === 'true';
}
