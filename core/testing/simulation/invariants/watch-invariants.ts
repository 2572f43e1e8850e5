import type { Assembled } from '../../../server/assemble.js';
import type { VirtualMember } from '../process/virtual-member.js';
import type { VirtualProcess } from '../process/virtual-process.js';
import type { World } from '../world.js';
import { AppliedStates } from './applied-states.js';
import { Chronicle } from './chronicle.js';
import { LeasePromises } from './lease-promises.js';
import { RaftInvariants } from './raft-invariants.js';

/** Where a member's log is on its disk. */
const LOG_FOLDER = '/data/wal';
/** A clock within the contract runs at most so many times as fast as the world's. */
const FASTEST_RATE = 1.01;
/** A member that has been sent everything else is sent the rest with a heartbeat. */
const REST_MS = 20_000;

export interface InvariantsOptions {
  /** How many times as fast as the world's time a member's clock runs at most. Default: the contract's 1.01. */
  readonly fastestRate?: number;
  /**
   * More may be damaged on the disks than a quorum can repair, so that what was durable may be gone, and with it what was
   * committed. Only what is answered is judged then, against what was committed before.
   */
  readonly isBoundless?: boolean;
  /** A lease that ends early is no violation, because clocks run apart further than the contract allows. */
  readonly toleratesEarlyLeases?: boolean;
}

/** All that must hold in a world after every event, whatever happens to its members. */
export class Invariants {
  /** What the committed log means. Everything that anybody is answered is held against it. */
  readonly chronicle = new Chronicle();
  readonly leases: LeasePromises;
  readonly #world: World;
  readonly #raft: RaftInvariants;
  readonly #states: AppliedStates;
  readonly #incarnations = new Map<VirtualMember, bigint>();
  readonly #members = new Map<VirtualProcess, VirtualMember>();
  /** Leases that ended early where that is tolerated. */
  earlyLeaseCount = 0;

  /** For {@link watchInvariants}. */
  constructor(world: World, options: InvariantsOptions) {
    const { fastestRate = FASTEST_RATE, toleratesEarlyLeases = false, isBoundless = false } = options;
    const report = (what: string) => world.violation(what);
    const reportRaft = isBoundless ? () => undefined : report;
    const reportLease = toleratesEarlyLeases ? () => void (this.earlyLeaseCount += 1) : report;
    const nowMs = () => world.scheduler.now();
    this.#world = world;
    this.leases = new LeasePromises({ chronicle: this.chronicle, report: reportLease, nowMs, fastestRate });
    this.#raft = new RaftInvariants({ report: reportRaft, onCommitted: (entry) => this.chronicle.commit(entry) });
    this.#states = new AppliedStates(this.chronicle, reportRaft);
    world.onAssembled((member, parts) => this.#assembled(member, parts));
    world.afterEachEvent((touched) => this.#touched(touched));
  }

  /** The last entry that is committed, as far as any leader knows. */
  get commitIndex(): number {
    return this.#raft.commitIndex;
  }

  /**
   * Once nobody does anything any more: each member that serves comes to hold all that the log makes, and nothing else.
   *
   * @throws if some do not catch up in time
   */
  async atRest(): Promise<void> {
    const serving = () => this.#world.members.filter(({ state }) => state === 'serving');
    const areLevel = () => serving().every(({ machine }) => machine?.appliedIndex === this.chronicle.index);
    await this.#world.scheduler.until(areLevel, REST_MS, `all members to apply entry ${this.chronicle.index}`);
    for (const { machine, name } of serving()) if (machine !== undefined) this.#states.compareWhole(name, machine);
  }

  #assembled(member: VirtualMember, { identity, raft, hardState, storedLog }: Assembled): void {
    this.#members.set(member, member);
    if (this.#incarnations.get(member) !== identity.incarnation) this.#states.forget(member.name);
    this.#incarnations.set(member, identity.incarnation);
    const unsyncedBytes = () => member.disk.unsyncedBytes(LOG_FOLDER);
    this.#raft.begins({ identity, raft, hardState, storedLog, unsyncedBytes });
  }

  #touched(process: VirtualProcess): void {
    const member = this.#members.get(process);
    if (member === undefined) return;
    if (member.raft === undefined) return this.#raft.ended(member.id);
    this.#raft.changed(member.id);
    if (member.machine !== undefined) this.#states.look(member.name, member.machine, member.state === 'serving');
  }
}

/** Has everything checked that must hold in a world, from now on. Before its members are started. */
export function watchInvariants(world: World, options: InvariantsOptions = {}): Invariants {
  return new Invariants(world, options);
}
