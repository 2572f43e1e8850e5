import type { Durations } from '../base/durations.js';
import type { OperationCounts } from '../machine/operation-counts.js';
import type { MemberId } from '../raft/types.js';
import type { PrefixLimits } from './prefix-limits.js';
import type { Replica } from './replica.js';

/** What can be measured of a member, read when somebody asks. */
export class Measures {
  readonly #memberId: MemberId;
  readonly #replica: Replica;
  readonly #limits: Pick<PrefixLimits, 'refusedCounts'>;
  #leader: MemberId | undefined;
  #leaderChangeCount = 0;

  constructor(memberId: MemberId, replica: Replica, limits: Pick<PrefixLimits, 'refusedCounts'>) {
    this.#memberId = memberId;
    this.#replica = replica;
    this.#limits = limits;
    replica.leadership.onLeader((leader) => {
      if (leader === undefined || leader === this.#leader) return;
      this.#leader = leader;
      this.#leaderChangeCount += 1;
    });
  }

  /** How often somebody began to lead, as this member has seen it. */
  get leaderChangeCount(): number {
    return this.#leaderChangeCount;
  }

  get isLeader(): boolean {
    return this.#replica.raft.role === 'leader';
  }

  /** Proposals that are waiting for an outcome. */
  get proposalCount(): number {
    return this.#replica.proposals.count;
  }

  /** Proposals whose outcome is unknown, or that were not made for want of a leader, of time or of room. */
  get failedProposalCount(): number {
    return this.#replica.failedProposalCount;
  }

  /** Calls refused by limits for keys of certain prefixes: of their rate, and of what is kept. */
  get limitRefusals(): PrefixLimits['refusedCounts'] {
    return this.#limits.refusedCounts;
  }

  /** How long the log took to make a group of entries durable. */
  get appendDurations(): Durations {
    return this.#replica.appendDurations;
  }

  /** How long the engine took for a transaction; undefined where there is no disk. */
  get commitDurations(): Durations | undefined {
    return this.#replica.installing === undefined ? this.#replica.state.backend.commitDurations : undefined;
  }

  /** Whether more was applied than the engine could take yet, so that nothing more is. */
  get isEngineOverfull(): boolean {
    return this.#replica.installing === undefined && this.#replica.state.backend.overfull;
  }

  /** Operations carried out here since the state in force began: at the start, or with a snapshot of another member. */
  get operations(): OperationCounts {
    return this.#replica.state.machine.operations;
  }

  /** Keys that there are or were, as long as their history is kept. */
  get keyCount(): number {
    return this.#replica.state.machine.keyspace.keyCount;
  }

  get compactRevision(): number {
    return this.#replica.state.machine.keyspace.compactRevision;
  }

  get watcherCount(): number {
    return this.#replica.state.machine.watch.watcherCount;
  }

  /** The other members, and whether there is a connection to each. */
  connections(): readonly { readonly id: MemberId; readonly isConnected: boolean }[] {
    const { raft, transport } = this.#replica;
    const { voters, learners } = raft.configuration;
    return [...new Set([...voters, ...learners])]
      .filter((id) => id !== this.#memberId)
      .map((id) => ({ id, isConnected: transport?.isConnected(id) ?? false }));
  }
}
