import { TABLES } from '../../backend/backend.js';
import { openMemoryBackend } from '../../backend/memory-backend.js';
import { Machine } from '../../machine/machine.js';
import type { LogEntry } from '../../machine/types.js';
import type { State } from '../../member/state-store.js';
import type { StoredLog } from '../../raft/types.js';
import { stateText } from './state-text.js';
import { mustHold } from './violation.js';

/** What a state was after an entry. */
interface StateAt {
  /** The running hash of all that was applied. */
  readonly hash: number;
  /** Absent: nobody looked. */
  readonly text: string | undefined;
}

/**
 * The entries that a member applied, and what the state was after each: what one that recovers must come back to. A run
 * without a crash writes it; runs with one are compared with it.
 */
export class Record {
  readonly #entries: Map<number, LogEntry>;
  readonly #states: Map<number, StateAt>;

  constructor(
    entries: ReadonlyMap<number, LogEntry> = new Map<number, LogEntry>(),
    states: ReadonlyMap<number, StateAt> = new Map<number, StateAt>(),
  ) {
    this.#entries = new Map(entries);
    this.#states = new Map(states);
  }

  /** The same, to be gone on with by itself. */
  copy(): Record {
    return new Record(this.#entries, this.#states);
  }

  /**
   * Takes down what this state is and becomes; where that is known, it must be the same. The machine is left as it is: it
   * applies many entries at once where it did, and a copy of it one after the other.
   */
  follow(state: State): void {
    const { machine } = state;
    const copy = copyOf(state);
    this.#note(copy, true);
    const applyAll = machine.applyAll.bind(machine);
    machine.applyAll = (entries) => {
      for (const entry of entries) this.#apply(copy, [entry]);
      const outcomes = applyAll(entries);
      this.#note(state, true);
      return outcomes;
    };
  }

  /**
   * As {@link Record.follow}, but the machine itself is made to apply one entry after the other.
   *
   * @param wholeFrom - up to this entry only the running hash is looked at, which takes less time; after it, all
   */
  stepThrough(state: State, wholeFrom = 0): void {
    const { machine } = state;
    this.#note(state, true);
    const applyAll = machine.applyAll.bind(machine);
    machine.applyAll = (entries) =>
      entries.flatMap((entry) => this.#apply({ ...state, machine }, [entry], applyAll, entry.index >= wholeFrom));
  }

  #apply(
    state: State,
    [entry]: readonly [LogEntry],
    applyAll = (entries: readonly LogEntry[]) => state.machine.applyAll(entries),
    isWhole = true,
  ): ReturnType<Machine['applyAll']> {
    const outcome = applyAll([entry]);
    this.#entries.set(entry.index, { ...entry, data: Uint8Array.from(entry.data) });
    this.#note(state, isWhole);
    return outcome;
  }

  /** @throws {@link Violation} if another state is known for the index */
  #note(state: State, isWhole: boolean): void {
    const { appliedIndex, appliedHash: hash } = state.machine;
    const known = this.#states.get(appliedIndex);
    const text = isWhole ? stateText(state) : known?.text;
    this.#states.set(appliedIndex, { hash, text: text ?? known?.text });
    if (known === undefined) return;
    mustHold(
      known.hash === hash,
      () => `the running hash after entry ${appliedIndex} is ${hash}, and was ${known.hash}`,
    );
    mustHold(
      known.text === text || known.text === undefined,
      () => `the state after entry ${appliedIndex} is\n${text}\nand was\n${known.text}`,
    );
  }

  /**
   * Up to which entry a log that was read back, and a state with it, are what was known. The state may have applied another
   * entry than the one that is known, and not promised: one of a start that a crash has interrupted.
   */
  agreesUpTo({ entries, firstIndex }: StoredLog, appliedIndex: number): number {
    let last = Math.min(appliedIndex, firstIndex - 1);
    for (const entry of entries) {
      const known = this.#entries.get(entry.index);
      const isPassedOver = known === undefined && entry.index <= appliedIndex;
      const isSame = known?.term === entry.term && Buffer.compare(known.data, entry.data) === 0;
      if (!isSame && !isPassedOver) break;
      last = entry.index;
    }
    return last;
  }

  /** What came after this entry never was: from there on another history begins. */
  forgetAfter(index: number): void {
    for (const known of [this.#entries, this.#states]) {
      for (const at of [...known.keys()]) if (at > index) known.delete(at);
    }
  }
}

/** The same state in memory, to go on by itself. */
function copyOf({ backend }: State): State {
  const copy = openMemoryBackend();
  copy.write((batch) => {
    for (const table of TABLES) for (const [key, value] of backend.scan(table)) batch.put(table, key, value);
  });
  return { backend: copy, machine: Machine.open(copy, { watch: { queueEventsMax: 1, catchUpRevisionsMax: 1 } }) };
}
