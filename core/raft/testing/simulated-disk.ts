import { assert } from '../../base/assert.js';
import type { Append, Configuration, Entry, HardState } from '../types.js';
import { type Digest, digestWith, EMPTY_DIGEST } from './digest.js';

/** The state machine of simulated members: all it knows is what it has applied, and the members. */
export interface MachineState {
  readonly index: number;
  readonly term: number;
  readonly digest: Digest;
  readonly configuration: Configuration;
}

export const NOBODY: Configuration = { voters: [], learners: [] };
export const NEW_MACHINE: MachineState = { index: 0, term: 0, digest: EMPTY_DIGEST, configuration: NOBODY };

/** What a simulated member finds again after a crash. */
export class SimulatedDisk {
  hardState: HardState;
  machine = NEW_MACHINE;
  firstIndex = 1;
  previousTerm = 0;
  #previousDigest = EMPTY_DIGEST;
  entries: Entry[] = [];
  #digests: Digest[] = [];

  /** @param before - where the log begins, if that is not the beginning of all */
  constructor(
    hardState: HardState,
    entries: readonly Entry[],
    before: { readonly index: number; readonly term: number; readonly digest: Digest } = NEW_MACHINE,
  ) {
    this.hardState = hardState;
    [this.firstIndex, this.previousTerm, this.#previousDigest] = [before.index + 1, before.term, before.digest];
    this.#write(entries);
  }

  get lastIndex(): number {
    return this.firstIndex - 1 + this.entries.length;
  }

  /** The term at an index; undefined if it is not there or not there any more. */
  termAt(index: number): number | undefined {
    return index === this.firstIndex - 1 ? this.previousTerm : this.entries[index - this.firstIndex]?.term;
  }

  digestAt(index: number): Digest | undefined {
    return index === this.firstIndex - 1 ? this.#previousDigest : this.#digests[index - this.firstIndex];
  }

  /** Puts a received state in the place of the present one. The log is cut off by {@link carryOut}, or at the next start. */
  install(machine: MachineState): void {
    this.machine = machine;
  }

  carryOut({ snapshot, hardState, entries }: Append): void {
    if (snapshot !== undefined) this.#restartLog();
    this.hardState = hardState ?? this.hardState;
    this.#write(entries);
  }

  /** Lets go of entries whose effects are in the state machine that is on the disk. */
  compactTo(index: number): void {
    assert(index <= this.machine.index, 'the machine on the disk reaches as far as the log is compacted');
    if (index < this.firstIndex) return;
    const term = this.termAt(index);
    const digest = this.digestAt(index);
    assert(term !== undefined && digest !== undefined, 'what is compacted is there');
    const count = index - this.firstIndex + 1;
    this.entries = this.entries.slice(count);
    this.#digests = this.#digests.slice(count);
    [this.firstIndex, this.previousTerm, this.#previousDigest] = [index + 1, term, digest];
  }

  /** As at every start: a log that does not fit the state machine is older than it, and begins anew behind it. */
  recover(): void {
    if (this.termAt(this.machine.index) !== this.machine.term) this.#restartLog();
  }

  #restartLog(): void {
    const { index, term, digest } = this.machine;
    [this.firstIndex, this.previousTerm, this.#previousDigest] = [index + 1, term, digest];
    this.entries = [];
    this.#digests = [];
  }

  #write(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    assert(first.index <= this.lastIndex + 1, 'what is appended leaves no gap');
    this.entries.length = first.index - this.firstIndex;
    this.#digests.length = this.entries.length;
    for (const entry of entries) {
      this.#digests.push(digestWith(this.digestAt(entry.index - 1) as Digest, entry));
      this.entries.push(entry);
    }
  }
}
