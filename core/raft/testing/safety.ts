import { assert } from '../../base/assert.js';
import { isQuorum, isVoter } from '../quorum.js';
import type { Raft } from '../raft.js';
import { type Append, type Entry, type MemberId, type Message, NO_MEMBER } from '../types.js';
import { type Digest, EMPTY_DIGEST } from './digest.js';
import type { MachineState, SimulatedDisk } from './simulated-disk.js';

/** What is looked at of a member, be it one of these simulations or a whole one: its raft, and what it has durably. */
export interface Witnessed {
  readonly id: MemberId;
  readonly disk: SimulatedDisk;
  /** What was on its disks when they were wiped, if they were. Since then it is known to be another, and never votes again. */
  readonly wiped?: readonly SimulatedDisk[];
  readonly machine: Pick<MachineState, 'index' | 'digest'>;
  /** Undefined while it is down. */
  readonly raft?: WitnessedRaft | undefined;
}

export type WitnessedRaft = Pick<
  Raft,
  'role' | 'term' | 'configuration' | 'lastIndex' | 'commitIndex' | 'hasPendingConfiguration'
>;

interface Committed {
  readonly term: number;
  readonly digest: Digest;
  /** The term of the leader that committed it first. */
  readonly byTerm: number;
}

/**
 * The five safety properties of Raft (Ongaro 2014, figure 3.2), and what else must hold whatever happens, as facts about
 * all members together that are checked with every step of a simulation.
 */
export class Safety {
  readonly #members: ReadonlyMap<MemberId, Witnessed>;
  readonly #onCommitted: (entry: Entry) => void;
  readonly #leaders = new Map<number, MemberId>();
  /** Of those that led after their last step: in which term, and how far their log reached. */
  readonly #leading = new Map<MemberId, { readonly term: number; readonly lastIndex: number }>();
  readonly #digests = new Map<string, Digest>();
  readonly #committed = new Map<number, Committed>();
  readonly #votes = new Map<string, MemberId>();
  /** The highest index that is committed, as the leaders know. */
  commitIndex = 0;

  /** @param onCommitted - told of each entry once it is committed, in order */
  constructor(members: ReadonlyMap<MemberId, Witnessed>, onCommitted: (entry: Entry) => void = () => undefined) {
    this.#members = members;
    this.#onCommitted = onCommitted;
  }

  get leaderCount(): number {
    return this.#leaders.size;
  }

  /** What members start from was committed before. */
  bootstrapped(member: Witnessed): void {
    for (const { index, term } of member.disk.entries) this.#commit(member, index, term);
  }

  /** Of the log up to an entry, if that is committed; the log without entries is. */
  committedDigest(index: number): Digest | undefined {
    return index === 0 ? EMPTY_DIGEST : this.#committed.get(index)?.digest;
  }

  /** The term of an entry that is committed. */
  committedTerm(index: number): number | undefined {
    return this.#committed.get(index)?.term;
  }

  // --- After every step -------------------------------------------------------------------------------------------

  changed(member: Witnessed): void {
    const { raft, id } = member;
    if (raft === undefined) return;
    if (raft.role === 'leader') {
      this.#electionSafety(member, raft);
      this.#leaderAppendsOnly(id, raft.term, raft.lastIndex);
      const mayLead = raft.hasPendingConfiguration || isVoter(raft.configuration, id);
      assert(mayLead, 'a leader resigns once it is committed that it has no vote');
    }
    // It may have resigned in the very step in which it committed, or have heard of a later term.
    const led = this.#leading.get(id)?.term;
    assert(led !== undefined || raft.commitIndex <= this.commitIndex, 'nobody knows of a commit before a leader');
    for (let index = this.commitIndex + 1; index <= raft.commitIndex; index += 1)
      this.#leaderCommitted(member, index, led as number);
    if (raft.role !== 'leader') this.#leading.delete(id);
  }

  /** At most one leader in a term. */
  #electionSafety(member: Witnessed, { term, configuration }: WitnessedRaft): void {
    const known = this.#leaders.get(term);
    assert((known ?? member.id) === member.id, 'election safety: a term has one leader');
    if (known !== undefined) return;
    this.#leaders.set(term, member.id);
    assert(member.disk.hardState.term === term, 'a leader has entered its term durably');
    assert(member.disk.hardState.votedFor === member.id, 'a leader has voted for itself durably');
    const hasVoted = (voter: MemberId) => this.#votes.get(`${voter}/${term}`) === member.id;
    assert(isQuorum(configuration, hasVoted), 'a majority has voted for a leader, durably');
    this.#leaderCompleteness(member, term);
  }

  /** Whatever was committed in earlier terms is in the log of the leaders of later ones. */
  #leaderCompleteness({ disk }: Witnessed, term: number): void {
    for (const [index, { digest, byTerm }] of this.#committed) {
      if (byTerm >= term || index < disk.firstIndex) continue;
      assert(disk.digestAt(index) === digest, 'leader completeness: a leader has what was committed before its term');
    }
  }

  /** A leader never overwrites or deletes entries in its log. */
  #leaderAppendsOnly(id: MemberId, term: number, lastIndex: number): void {
    const known = this.#leading.get(id);
    if (known?.term === term) assert(lastIndex >= known.lastIndex, 'leader append-only: its log only grows');
    this.#leading.set(id, { term, lastIndex });
  }

  /**
   * What a leader commits, a majority holds durably. Its own disk may lag behind its log, but then only with entries of
   * its own term: whoever campaigns has a log that is durable to its end.
   */
  #leaderCommitted(leader: Witnessed, index: number, byTerm: number): void {
    const { configuration } = leader.raft as WitnessedRaft;
    const term = leader.disk.termAt(index) ?? byTerm;
    const holders = [...this.#members.values()].filter(({ disk }) => disk.termAt(index) === term);
    // What one acknowledged before its disk was wiped counts: every majority to come does without it, and so has another
    // of those who hold the entry.
    const holds = (id: MemberId) => {
      const member = this.#members.get(id);
      const disks = member === undefined ? [] : [member.disk, ...(member.wiped ?? [])];
      return disks.some((disk) => disk.termAt(index) === term || disk.firstIndex > index);
    };
    assert(isQuorum(configuration, holds), 'what is committed is durable on a majority');
    const holder = holders.find(({ disk }) => disk.firstIndex <= index);
    assert(holder !== undefined, 'what is committed is in a log');
    this.#commit(holder, index, byTerm);
  }

  #commit({ disk }: Witnessed, index: number, byTerm: number): void {
    const digest = disk.digestAt(index);
    const term = disk.termAt(index);
    assert(digest !== undefined && term !== undefined, 'what is committed is on a disk');
    const known = this.#committed.get(index);
    assert((known?.digest ?? digest) === digest, 'what is committed stays');
    if (known !== undefined) return;
    assert(index === this.commitIndex + 1, 'entries are committed in order');
    this.#committed.set(index, { term, digest, byTerm });
    this.commitIndex = index;
    this.#onCommitted(disk.entries[index - disk.firstIndex] as Entry);
  }

  // --- What is written --------------------------------------------------------------------------------------------

  /** The disk is about to carry out an append. */
  writes(member: Witnessed, { hardState, entries, snapshot }: Append): void {
    const { disk, id } = member;
    if (hardState !== undefined) {
      assert(hardState.term >= disk.hardState.term, 'a term never falls');
      assert(hardState.commitIndex >= disk.hardState.commitIndex, 'a commit index never falls');
      const vote = `${id}/${hardState.term}`;
      const known = this.#votes.get(vote) ?? hardState.votedFor;
      assert(known === hardState.votedFor, 'a member votes once in a term');
      if (hardState.votedFor !== NO_MEMBER) this.#votes.set(vote, hardState.votedFor);
      assert(
        hardState.commitIndex <= Math.max(snapshot?.index ?? disk.lastIndex, entries.at(-1)?.index ?? 0),
        'the log reaches as far as the commit index that is written',
      );
    }
    const first = entries[0]?.index ?? Infinity;
    assert(snapshot !== undefined || first > member.machine.index, 'what is applied is never overwritten');
  }

  /** The disk has carried it out. Two logs with an entry of the same index and term are the same up to there. */
  written({ disk }: Witnessed, { entries }: Append): void {
    for (const { index, term } of entries) {
      const digest = disk.digestAt(index) as Digest;
      const key = `${index}/${term}`;
      assert((this.#digests.get(key) ?? digest) === digest, 'log matching: an index and a term name one log');
      this.#digests.set(key, digest);
    }
  }

  // --- What is said -----------------------------------------------------------------------------------------------

  /** A message leaves a member: is it true of its disk? */
  sent({ disk, id }: Witnessed, message: Message): void {
    assert(message.from === id, 'a member speaks for itself');
    const isOfLaterTerm = message.type === 'requestPreVote' || (message.type === 'preVoteAnswer' && message.granted);
    if (!isOfLaterTerm) assert(message.term <= disk.hardState.term, 'nothing is said in a term before it is durable');
    switch (message.type) {
      case 'voteAnswer':
        if (message.granted && message.term === disk.hardState.term)
          assert(disk.hardState.votedFor === message.to, 'a vote is durable before it is told');
        return;
      case 'requestVote':
        assert(message.lastIndex <= disk.lastIndex, 'a candidate asks with what it holds durably');
        return;
      case 'appendEntriesAnswer':
        if (message.accepted) assert(message.matchedIndex <= disk.lastIndex, 'what is acknowledged is durable');
        return;
      case 'installSnapshotAnswer':
        assert(message.matchedIndex <= disk.lastIndex, 'what is acknowledged is durable');
        return;
      default:
    }
  }

  // --- What is applied --------------------------------------------------------------------------------------------

  handedOut({ disk }: Witnessed, { index, term }: Entry): void {
    assert(disk.termAt(index) === term, 'what is handed out to be applied is durable');
    assert(index <= this.commitIndex, 'what is handed out to be applied is committed');
  }

  /** No two members apply different entries at one index. */
  applied({ machine }: Witnessed): void {
    assert(machine.digest === this.#committed.get(machine.index)?.digest, 'state machine safety: one history');
  }

  /** A read has its index: everything that was committed when it was asked for is in it. */
  read({ index, askedAtCommitIndex }: { readonly index: number; readonly askedAtCommitIndex: number }): void {
    assert(index >= askedAtCommitIndex, 'read-index freshness: a read sees what was committed before it');
    assert(index <= this.commitIndex, 'a read waits for nothing that is not committed');
  }
}
