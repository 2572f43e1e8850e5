import { seededPrng } from '../../base/prng.js';
import { decodeConfiguration } from '../configuration.js';
import { Raft } from '../raft.js';
import {
  type Append,
  type Entry,
  type InstallSnapshotRequest,
  type MemberId,
  type Message,
  type ReadState,
} from '../types.js';
import { digestWith } from './digest.js';
import { testOptions } from './raft-fixture.js';
import type { Safety } from './safety.js';
import { shownConfiguration } from './shown.js';
import { type MachineState, NEW_MACHINE, type SimulatedDisk } from './simulated-disk.js';

/** What a member gives out in one turn. */
export interface Given {
  readonly messages: readonly Message[];
  readonly snapshotsWanted: readonly MemberId[];
  readonly readStates: readonly ReadState[];
}

/** A member with a driver that does one thing at a time, whenever it is told to, and a disk that survives its crashes. */
export class SimulatedMember {
  readonly id: MemberId;
  readonly disk: SimulatedDisk;
  readonly #safety: Safety;
  readonly #limits: object;
  /** Undefined while it is down. */
  raft: Raft | undefined;
  append: Append | undefined;
  machine: MachineState = NEW_MACHINE;
  toApply: Entry[] = [];
  #received = new Map<number, MachineState>();
  #starts = 0;

  constructor(id: MemberId, disk: SimulatedDisk, safety: Safety, limits: object) {
    this.id = id;
    this.disk = disk;
    this.#safety = safety;
    this.#limits = limits;
    this.start();
  }

  start(): void {
    this.#starts += 1;
    this.disk.recover();
    this.machine = this.disk.machine;
    const { hardState, firstIndex, previousTerm, entries, machine } = this.disk;
    this.raft = new Raft(
      testOptions({
        id: this.id,
        prng: seededPrng(Number(this.id) * 1_000 + this.#starts),
        hardState,
        log: { firstIndex, previousTerm, entries },
        appliedIndex: machine.index,
        configuration: machine.configuration,
        ...this.#limits,
      }),
    );
  }

  /** Everything that was not durable is gone. An append that was under way may have come through. */
  crash({ appendCameThrough }: { readonly appendCameThrough: boolean }): void {
    if (this.append !== undefined && appendCameThrough) {
      if (this.append.snapshot !== undefined) this.#install(this.append.snapshot.index);
      // The received state is put in force first, and then the log is written; a crash may come between.
      else {
        this.#safety.writes(this, this.append);
        this.disk.carryOut(this.append);
        this.#safety.written(this, this.append);
      }
    }
    this.raft = undefined;
    this.append = undefined;
    this.toApply = [];
    this.#received.clear();
  }

  /** Takes a Ready, and hands its append to the disk. */
  drive(): Given {
    if (!this.raft?.hasReady()) return NOTHING;
    const ready = this.raft.ready();
    this.#safety.changed(this);
    this.append = ready.append ?? this.append;
    for (const entry of ready.committed) this.#safety.handedOut(this, entry);
    this.toApply.push(...ready.committed);
    for (const message of ready.messages) this.#safety.sent(this, message);
    return ready;
  }

  /** The disk has done what it was given. */
  finishAppend(): readonly Message[] {
    const { append, raft } = this;
    if (append === undefined || raft === undefined) return [];
    if (append.snapshot !== undefined) {
      this.#install(append.snapshot.index);
      this.machine = this.disk.machine;
      this.toApply = this.toApply.filter(({ index }) => index > this.machine.index);
    }
    this.#safety.writes(this, append);
    this.disk.carryOut(append);
    this.#safety.written(this, append);
    this.append = undefined;
    for (const message of append.messages) this.#safety.sent(this, message);
    raft.appended(append);
    this.#safety.changed(this);
    return append.messages;
  }

  /** Applies the next entries. */
  apply(count: number): void {
    for (const entry of this.toApply.splice(0, count)) {
      this.machine = {
        index: entry.index,
        term: entry.term,
        digest: digestWith(this.machine.digest, entry),
        configuration:
          entry.kind === 'configuration' ? decodeConfiguration(entry.data).configuration : this.machine.configuration,
      };
      this.#safety.applied(this);
      this.raft?.applied(entry.index);
    }
  }

  /** The state machine reaches the disk, and the log is let go of up to `index` or as far as may be. */
  flush(index: number): void {
    // While a snapshot is being installed, the machine is about to be replaced.
    if (this.append?.snapshot !== undefined) return;
    this.disk.machine = this.machine;
    const to = Math.min(index, this.machine.index);
    if (this.disk.termAt(this.machine.index) === undefined) return;
    this.disk.compactTo(to);
    this.raft?.compactTo(to);
  }

  step(message: Message): void {
    this.raft?.step(message);
    this.#safety.changed(this);
  }

  /** A snapshot has arrived whole. */
  receive(announcement: InstallSnapshotRequest, machine: MachineState): void {
    this.#received.set(machine.index, machine);
    this.step(announcement);
  }

  /** In a line. */
  describe(): string {
    const { id, raft, append, disk } = this;
    if (raft === undefined) return `${id} down`;
    const progress = raft.progress().map((each) => `${each.id}:${each.state}@${each.matchedIndex}`);
    return (
      `${id} ${raft.role} term ${raft.term} leader ${raft.leader ?? 'none'} log ${raft.firstIndex}-${raft.lastIndex} ` +
      `commit ${raft.commitIndex} applied ${raft.appliedIndex} disk ${disk.lastIndex} ${append ? 'writing ' : ''}` +
      `${shownConfiguration(raft.configuration)} ${progress.join(' ')}`
    );
  }

  #install(index: number): void {
    this.disk.install(this.#received.get(index) as MachineState);
    this.#received.delete(index);
  }
}

const NOTHING: Given = { messages: [], snapshotsWanted: [], readStates: [] };
