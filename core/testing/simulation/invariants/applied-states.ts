import type { Machine } from '../../../machine/machine.js';
import { everything } from '../../../base/key-range.js';
import type { KeyValue } from '../../../base/key-value.js';
import { equalBytes } from '../../../base/bytes.js';
import type { Chronicle } from './chronicle.js';

/** A state machine as it is looked at. */
export type ObservedMachine = Pick<Machine, 'appliedIndex' | 'appliedHash' | 'stateHash'> & {
  readonly keyspace: Pick<Machine['keyspace'], 'revision' | 'compactRevision' | 'range'>;
  readonly lessor: Pick<Machine['lessor'], 'ids'>;
};

/** How a member was when it was last looked at. */
interface Seen {
  machine: ObservedMachine;
  appliedIndex: number;
  /** The highest revision that it had while it served. */
  servedRevision: number;
}

/**
 * What applying the log has made of each member: after the same entry all have the same state, it is the one that the
 * chronicle of the committed log says, and none goes back.
 */
export class AppliedStates {
  readonly #chronicle: Chronicle;
  readonly #report: (what: string) => void;
  readonly #members = new Map<string, Seen>();
  readonly #hashes = new Map<number, { readonly hash: number; readonly by: string }>();

  constructor(chronicle: Chronicle, report: (what: string) => void) {
    this.#chronicle = chronicle;
    this.#report = report;
  }

  /** Something happened in a member. @param isServing - whether clients can ask it */
  look(name: string, machine: ObservedMachine, isServing: boolean): void {
    const { appliedIndex } = machine;
    const seen = this.#members.get(name);
    if (seen?.machine === machine && seen.appliedIndex === appliedIndex) {
      if (isServing) this.#served(name, seen);
      return;
    }
    const from = seen?.machine === machine ? seen.appliedIndex : appliedIndex - 1;
    if (appliedIndex < from) this.#report(`${name}: its applied index fell from ${from} to ${appliedIndex}`);
    this.#compareHashes(name, machine, from + 1);
    this.#compareStanding(name, machine);
    const now = { machine, appliedIndex, servedRevision: seen?.servedRevision ?? 0 };
    this.#members.set(name, now);
    if (isServing) this.#served(name, now);
  }

  /** Its disk was wiped: what it was counts no more. */
  forget(name: string): void {
    this.#members.delete(name);
  }

  /** Whether the whole state is what the log says, to the last byte. */
  compareWhole(name: string, { appliedIndex, keyspace, lessor }: ObservedMachine): void {
    if (appliedIndex !== this.#chronicle.index) {
      return this.#report(`${name}: it has applied ${appliedIndex} entries of ${this.#chronicle.index}`);
    }
    const { kvs } = keyspace.range({ type: 'range', ...everything() });
    const expected = this.#chronicle.rangeAt(everything(), this.#chronicle.revision);
    const isSame = kvs.length === expected.length && kvs.every((kv, at) => isSameKey(kv, expected[at] as KeyValue));
    if (!isSame) this.#report(`${name}: its ${kvs.length} keys are not the ${expected.length} that the log makes`);
    const leases = new Set(lessor.ids());
    if (leases.size !== this.#chronicle.leases.size || [...this.#chronicle.leases.keys()].some((id) => !leases.has(id)))
      this.#report(`${name}: its leases are not those that the log makes`);
  }

  #served(name: string, seen: Seen): void {
    const { revision } = seen.machine.keyspace;
    if (revision < seen.servedRevision)
      this.#report(`${name}: it served revision ${seen.servedRevision}, and now serves ${revision}`);
    seen.servedRevision = Math.max(seen.servedRevision, revision);
  }

  #compareHashes(name: string, machine: ObservedMachine, first: number): void {
    for (let index = Math.max(1, first); index <= machine.appliedIndex; index += 1) {
      const hash = index === machine.appliedIndex ? machine.appliedHash : machine.stateHash(index);
      if (hash === undefined) continue;
      const known = this.#hashes.get(index);
      if (known === undefined) this.#hashes.set(index, { hash, by: name });
      else if (known.hash !== hash) this.#report(`${name} and ${known.by} have different states after entry ${index}`);
    }
  }

  #compareStanding(name: string, { appliedIndex, keyspace }: ObservedMachine): void {
    const standing = this.#chronicle.standingAt(appliedIndex);
    if (standing === undefined) return this.#report(`${name}: it has applied entry ${appliedIndex}, not committed yet`);
    const { revision, compactRevision } = keyspace;
    if (revision !== standing.revision || compactRevision !== standing.compactRevision) {
      this.#report(
        `${name}: after entry ${appliedIndex} it stands at revision ${revision}, compacted at ${compactRevision}; ` +
          `the log says ${standing.revision} and ${standing.compactRevision}`,
      );
    }
  }
}

/** Whether two are the same key with the same content. */
export function isSameKey(one: KeyValue, other: KeyValue): boolean {
  return (
    one.modRevision === other.modRevision &&
    one.createRevision === other.createRevision &&
    one.version === other.version &&
    one.lease === other.lease &&
    equalBytes(one.key, other.key) &&
    equalBytes(one.value, other.value)
  );
}
