import type { Entry, HardState } from '../../../raft/types.js';
import type { Chance } from '../chance.js';

/** A term, a vote, and a place in the log. */
export function drawHardState(chance: Chance): HardState {
  return { term: chance.count(), votedFor: chance.id(), commitIndex: chance.count() };
}

/** Entries that follow each other, of terms that never fall. */
export function drawEntries(chance: Chance, firstIndex: number, firstTerm = 1): Entry[] {
  let term = firstTerm;
  return chance
    .list(12, () => chance.bytes(500))
    .map((data, at) => {
      if (chance.oneIn(4)) term += chance.between(1, 3);
      const entry: Entry = { index: firstIndex + at, term, data };
      return chance.oneIn(6) ? { ...entry, kind: 'configuration' } : entry;
    });
}
