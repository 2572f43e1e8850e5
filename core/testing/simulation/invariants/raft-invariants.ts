import { InvariantError } from '../../../base/assert.js';
import type { Identity } from '../../../member/identity.js';
import { Safety } from '../../../raft/testing/safety.js';
import type { Append, Entry, MemberId, Ready } from '../../../raft/types.js';
import type { Logged } from '../../../server/beginning.js';
import { Configurations } from './configurations.js';
import { observe, type ObservedRaft, RaftWitness } from './raft-witness.js';

/** A member that is about to begin, with what its disk gave back. */
export interface Beginning extends Logged {
  readonly identity: Pick<Identity, 'memberId' | 'incarnation'>;
  readonly raft: ObservedRaft;
  /** Bytes of its log that were written and not synced. */
  readonly unsyncedBytes: () => number;
}

export interface RaftInvariantsParts {
  /** Something that must never be so is so. */
  readonly report: (what: string) => void;
  /** Told of each entry once it is committed, in order. */
  readonly onCommitted: (entry: Entry) => void;
}

/**
 * What raft promises, checked on whole members: {@link Safety}, which also watches raft by itself, fed with what passes
 * between each raft and its driver, and with what each disk gives back.
 */
export class RaftInvariants {
  readonly #members = new Map<MemberId, RaftWitness>();
  readonly #report: (what: string) => void;
  readonly #configurations = new Configurations();
  readonly safety: Safety;

  constructor({ report, onCommitted }: RaftInvariantsParts) {
    this.#report = report;
    this.safety = new Safety(this.#members, (entry) => {
      this.#configurations.committed(entry);
      onCommitted(entry);
    });
  }

  /** The last entry that is committed. */
  get commitIndex(): number {
    return this.safety.commitIndex;
  }

  /** A member is put together, and has not run yet. */
  begins({ identity, raft, unsyncedBytes, ...logged }: Beginning): void {
    const { memberId, incarnation } = identity;
    this.#check(memberId, () => {
      const before = this.#members.get(memberId);
      const witness = this.#witness(memberId, incarnation, logged);
      before?.recoversAs(witness);
      this.#members.set(memberId, witness);
      this.#recovered(witness);
      witness.raft = raft;
      this.#observe(witness, raft, unsyncedBytes);
    });
  }

  /** Its process has ended. */
  ended(id: MemberId): void {
    const member = this.#members.get(id);
    if (member !== undefined) member.raft = undefined;
  }

  /** Something happened in a member. */
  changed(id: MemberId): void {
    const member = this.#members.get(id);
    if (member?.raft !== undefined) this.#check(id, () => this.safety.changed(member));
  }

  #witness(id: MemberId, incarnation: bigint, logged: Logged): RaftWitness {
    const { firstIndex } = logged.storedLog;
    const before = this.safety.committedDigest(firstIndex - 1);
    if (before === undefined) throw new InvariantError(`a log begins at ${firstIndex}, after what is not committed`);
    return new RaftWitness(id, incarnation, logged, before);
  }

  /** What it starts with was durable, and may be from an append of which nobody heard that it had come through. */
  #recovered(witness: RaftWitness): void {
    const { hardState, entries } = witness.disk;
    this.safety.writes(witness, { hardState, entries: [], messages: [] });
    this.safety.written(witness, { entries, messages: [] });
    if (this.commitIndex === 0 && hardState.commitIndex > 0) this.safety.bootstrapped(witness);
  }

  #observe(witness: RaftWitness, raft: ObservedRaft, unsyncedBytes: () => number): void {
    const ifItRuns = (check: () => void) => {
      if (witness.raft === raft) this.#check(witness.id, check);
    };
    observe(raft, {
      ready: (ready) => ifItRuns(() => this.#ready(witness, ready)),
      appended: (append) => ifItRuns(() => this.#appended(witness, append, unsyncedBytes())),
      readIndex: (context) => ifItRuns(() => witness.asked(context, this.commitIndex)),
    });
  }

  #ready(witness: RaftWitness, { messages, append, committed, readStates }: Ready): void {
    this.safety.changed(witness);
    for (const message of messages) this.safety.sent(witness, message);
    for (const entry of committed) this.safety.handedOut(witness, entry);
    for (const { context, index } of readStates)
      this.safety.read({ index, askedAtCommitIndex: witness.askedAt(context) });
    if (append === undefined) return;
    witness.underWay = append;
    if (witness.raft?.role !== 'leader') return;
    const { commitIndex: index } = this;
    this.#configurations.leaderAppends(witness, append.entries, { index, term: this.safety.committedTerm(index) });
  }

  #appended(witness: RaftWitness, append: Append, unsyncedBytes: number): void {
    if (unsyncedBytes > 0) throw new InvariantError(`of what is called durable, ${unsyncedBytes} bytes are not synced`);
    if (append.snapshot !== undefined) this.#installed(witness, append.snapshot);
    this.safety.writes(witness, append);
    witness.disk.carryOut(append);
    witness.underWay = undefined;
    this.safety.written(witness, append);
    for (const message of append.messages) this.safety.sent(witness, message);
  }

  #installed({ disk }: RaftWitness, { index, term, configuration }: Required<Append>['snapshot']): void {
    const digest = this.safety.committedDigest(index);
    if (digest === undefined || this.safety.committedTerm(index) !== term)
      throw new InvariantError(`a snapshot of entry ${index} of term ${term} is installed, which is not committed`);
    disk.install({ index, term, digest, configuration });
  }

  #check(id: MemberId, check: () => void): void {
    try {
      check();
    } catch (error) {
      // Whatever else is thrown is a mistake of the check, and must not be taken for one of the member's driver.
      const what = error instanceof InvariantError ? error.message : String((error as Error).stack);
      this.#report(`member ${id.toString(16)}: ${what}`);
    }
  }
}
