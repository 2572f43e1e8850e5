import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toBytes } from '../base/bytes.js';
import type { Raft } from './raft.js';
import { EMPTY_LOG, shown, soleVoter } from './testing/raft-fixture.js';
import { type Entry, type HardState, INITIAL_HARD_STATE, type Ready } from './types.js';

/**
 * One member, its disk, its state machine, and a driver that may stop between any two of its steps. What the model
 * remembers for ever is what somebody outside could have seen: committed entries.
 */
class World {
  // What a restart finds.
  #hardState: HardState = INITIAL_HARD_STATE;
  #firstIndex = 1;
  #previousTerm = 0;
  #stored: Entry[] = [];
  #flushedIndex = 0;
  // What a restart loses.
  #raft: Raft;
  #ready: Ready | undefined;
  #isAppended = false;
  #appliedIndex = 0;
  // What was seen.
  readonly #committed: string[] = [];
  #commitIndex = 0;
  #commitIndexOfRun = 0;
  readonly #leadersByTerm = new Map<number, number>();
  #runs = 0;

  constructor() {
    this.#raft = this.#started();
  }

  propose(data: string): void {
    if (this.#raft.role === 'leader') this.#raft.propose(toBytes(data));
  }

  read(context: number): void {
    if (this.#raft.role !== 'leader') return;
    this.#raft.readIndex(context);
  }

  tick(): void {
    this.#raft.tick();
  }

  /** The driver takes its next step. */
  drive(): void {
    if (this.#ready === undefined) this.#take();
    else if (!this.#isAppended) this.#append(this.#ready);
    else this.#applyAndAdvance(this.#ready);
    this.#check();
  }

  /** The state machine's own state becomes durable, later than it is applied. */
  flush(): void {
    this.#flushedIndex = this.#appliedIndex;
  }

  compact(): void {
    const index = this.#flushedIndex;
    if (index < this.#firstIndex) return;
    this.#raft.compactTo(index);
    this.#previousTerm = this.#stored[index - this.#firstIndex]!.term;
    this.#stored = this.#stored.slice(index - this.#firstIndex + 1);
    this.#firstIndex = index + 1;
  }

  restart(): void {
    this.#ready = undefined;
    this.#appliedIndex = this.#flushedIndex;
    this.#raft = this.#started();
    this.#commitIndexOfRun = 0;
    this.#check();
  }

  /** Everything is carried out to the end. */
  settle(): void {
    while (this.#ready !== undefined || this.#raft.hasReady()) this.drive();
    expect(this.#raft.role).toBe('leader');
    expect(this.#raft.commitIndex).toBe(this.#raft.lastIndex);
    expect(this.#appliedIndex).toBe(this.#raft.lastIndex);
  }

  #started(): Raft {
    this.#runs += 1;
    return soleVoter({
      hardState: this.#hardState,
      log: { ...EMPTY_LOG, firstIndex: this.#firstIndex, previousTerm: this.#previousTerm, entries: this.#stored },
      appliedIndex: this.#flushedIndex,
      uncommittedBytesMax: 1e9,
    });
  }

  #take(): void {
    if (!this.#raft.hasReady()) return;
    this.#ready = this.#raft.ready();
    this.#isAppended = false;
    const { committed } = this.#ready;
    if (committed.length === 0) return;
    expect(committed[0]!.index).toBe(this.#appliedIndex + 1);
    // Handed out to be applied: durable already, whatever becomes of this Ready.
    for (const entry of committed) expect(this.#stored[entry.index - this.#firstIndex]).toEqual(entry);
  }

  #append({ hardState, entries }: Ready): void {
    this.#isAppended = true;
    if (hardState) {
      expect(hardState.term).toBeGreaterThanOrEqual(this.#hardState.term);
      expect(hardState.commitIndex).toBeGreaterThanOrEqual(this.#hardState.commitIndex);
      this.#hardState = hardState;
    }
    if (entries.length === 0) return;
    expect(entries[0]!.index).toBe(this.#firstIndex + this.#stored.length);
    expect(entries.at(-1)!.term).toBe(this.#hardState.term);
    this.#stored = [...this.#stored, ...entries];
  }

  #applyAndAdvance(ready: Ready): void {
    for (const [position, text] of shown(ready.committed).entries()) {
      const index = ready.committed[position]!.index;
      expect(this.#committed[index - 1] ?? text).toBe(text);
      this.#committed[index - 1] = text;
      this.#appliedIndex = index;
    }
    for (const { index } of ready.readStates) expect(index).toBeLessThanOrEqual(this.#appliedIndex);
    this.#ready = undefined;
    this.#raft.advance(ready);
  }

  #check(): void {
    const { commitIndex, term, role } = this.#raft;
    // Within a run the commit index never falls; a restart never takes it below what was applied and flushed.
    expect(commitIndex).toBeGreaterThanOrEqual(Math.max(this.#flushedIndex, this.#commitIndexOfRun));
    this.#commitIndexOfRun = commitIndex;
    expect(commitIndex).toBeLessThanOrEqual(this.#firstIndex + this.#stored.length - 1);
    this.#commitIndex = Math.max(this.#commitIndex, commitIndex);
    if (role === 'leader') {
      expect(this.#leadersByTerm.get(term) ?? this.#runs).toBe(this.#runs);
      expect(this.#hardState).toMatchObject({ term, votedFor: 1n });
      this.#leadersByTerm.set(term, this.#runs);
    }
    // Nothing that was ever committed is missing from the log.
    expect(this.#firstIndex + this.#stored.length - 1).toBeGreaterThanOrEqual(this.#commitIndex);
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('drive' as const) },
    { weight: 4, arbitrary: fc.constant('propose' as const) },
    { weight: 1, arbitrary: fc.constantFrom('read', 'tick', 'flush', 'compact', 'restart' as const) },
  ),
  { maxLength: 200 },
);

test('whatever is proposed, delayed and restarted, what was committed stays, and nothing is committed before it is durable', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const world = new World();
      for (const [position, step] of taken.entries()) {
        if (step === 'propose') world.propose(`command ${position}`);
        else if (step === 'read') world.read(position);
        else world[step]();
      }
      world.settle();
    }),
    { seed: 2_014, numRuns: 300 },
  );
});
