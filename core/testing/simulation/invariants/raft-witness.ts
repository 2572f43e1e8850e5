import { assert } from '../../../base/assert.js';
import type { Logged } from '../../../server/beginning.js';
import type { Raft } from '../../../raft/raft.js';
import { type Digest, EMPTY_DIGEST } from '../../../raft/testing/digest.js';
import type { Witnessed, WitnessedRaft } from '../../../raft/testing/safety.js';
import { SimulatedDisk } from '../../../raft/testing/simulated-disk.js';
import { type Append, type MemberId, NO_MEMBER, type Ready } from '../../../raft/types.js';

/** A raft as the witness sees it: nothing of it is private to it. */
export type ObservedRaft = Pick<Raft, 'appliedIndex' | 'ready' | 'appended' | 'readIndex'> & WitnessedRaft;

/** Told of what passes between a raft and its driver. */
export interface RaftObserver {
  ready(ready: Ready): void;
  appended(append: Append): void;
  readIndex(context: number): void;
}

/** Has an observer told of each call, before the driver goes on. */
export function observe(raft: ObservedRaft, observer: RaftObserver): void {
  const [ready, appended, readIndex] = [raft.ready, raft.appended, raft.readIndex];
  raft.ready = () => {
    const handedOut = ready.call(raft);
    observer.ready(handedOut);
    return handedOut;
  };
  raft.appended = (append) => {
    observer.appended(append);
    appended.call(raft, append);
  };
  raft.readIndex = (context) => {
    observer.readIndex(context);
    readIndex.call(raft, context);
  };
}

/**
 * A member as it must be, by all that it has said to be durable: term, vote and log as a copy of our own, which its disk
 * has to give back after every crash.
 */
export class RaftWitness implements Witnessed {
  readonly disk: SimulatedDisk;
  /** What its disks held when they were wiped. */
  wiped: readonly SimulatedDisk[] = [];
  /** What it was told to make durable, and has not yet. */
  underWay: Append | undefined;
  /** Undefined while it is down. */
  raft: ObservedRaft | undefined;
  readonly #reads = new Map<number, number>();
  #askedAt = 0;

  constructor(
    readonly id: MemberId,
    /** Of the data folder: a wiped disk is another one. */
    readonly incarnation: bigint,
    { hardState, storedLog }: Logged,
    before: Digest,
  ) {
    const { firstIndex, previousTerm, entries } = storedLog;
    this.disk = new SimulatedDisk(hardState, entries, { index: firstIndex - 1, term: previousTerm, digest: before });
  }

  /** What it has applied, as its raft was told. Which state that is, others look at. */
  get machine(): { readonly index: number; readonly digest: Digest } {
    return { index: this.raft?.appliedIndex ?? 0, digest: EMPTY_DIGEST };
  }

  /** A read was asked for, when so much was committed. */
  asked(context: number, commitIndex: number): void {
    this.#askedAt = commitIndex;
    this.#reads.set(context, commitIndex);
  }

  /** What was committed when the read was asked for that is answered now. */
  askedAt(context: number): number {
    const askedAt = this.#reads.get(context);
    this.#reads.delete(context);
    assert(askedAt !== undefined, 'only reads that were asked for are answered');
    assert(askedAt <= this.#askedAt, 'a read was asked for in the past');
    return askedAt;
  }

  /**
   * Its process ended, and this is what the disk gave back to the next one.
   *
   * @param next - the same member, started again
   */
  recoversAs(next: RaftWitness): void {
    const { disk, incarnation } = next;
    const isWiped = incarnation !== this.incarnation;
    next.wiped = isWiped ? [...this.wiped, this.disk] : this.wiped;
    // A disk that was wiped owes nothing; that the cluster does not rely on it any more, others look at.
    if (isWiped) return;
    this.#hardStateSurvived(disk);
    const { entries, snapshot } = this.underWay ?? { entries: [] };
    const overwrittenFrom = snapshot === undefined ? (entries[0]?.index ?? Infinity) : 0;
    const lastIndex = Math.min(this.disk.lastIndex, overwrittenFrom - 1);
    assert(disk.lastIndex >= lastIndex, 'what was durable is still there after a restart');
    for (let index = Math.max(disk.firstIndex, this.disk.firstIndex); index <= lastIndex; index += 1)
      assert(disk.digestAt(index) === this.disk.digestAt(index), 'what was durable is the same after a restart');
  }

  #hardStateSurvived({ hardState }: SimulatedDisk): void {
    const before = this.disk.hardState;
    assert(hardState.term >= before.term, 'a term does not fall over a restart');
    if (hardState.term > before.term || before.votedFor === NO_MEMBER) return;
    assert(hardState.votedFor === before.votedFor, 'a vote is remembered over a restart');
  }
}
