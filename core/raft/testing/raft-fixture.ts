import { toBytes, toText } from '../../base/bytes.js';
import { seededPrng } from '../../base/prng.js';
import type { RaftOptions } from '../options.js';
import { Raft } from '../raft.js';
import { type Entry, INITIAL_HARD_STATE, type Ready, type StoredLog } from '../types.js';

export const EMPTY_LOG: StoredLog = { firstIndex: 1, previousTerm: 0, entries: [] };

/** The one member of a configuration, new unless told otherwise. */
export function soleVoter(options: Partial<RaftOptions> = {}): Raft {
  return new Raft({
    id: 1n,
    voters: [1n],
    prng: seededPrng(1),
    electionTicks: 10,
    heartbeatTicks: 1,
    hardState: INITIAL_HARD_STATE,
    log: EMPTY_LOG,
    appliedIndex: 0,
    uncommittedBytesMax: 1_000,
    ...options,
  });
}

export function entry(index: number, term: number, data = ''): Entry {
  return { index, term, data: toBytes(data) };
}

/** Carries out one Ready, as a driver with a working disk does. */
export function carryOut(raft: Raft): Ready {
  const ready = raft.ready();
  raft.advance(ready);
  return ready;
}

/** Carries out Readies until nothing is left to do, and returns them. */
export function settle(raft: Raft): Ready[] {
  const carriedOut: Ready[] = [];
  while (raft.hasReady()) carriedOut.push(carryOut(raft));
  return carriedOut;
}

/** Entries as text: index, term and data. */
export function shown(entries: readonly Entry[]): string[] {
  return entries.map(({ index, term, data }) => `${index}/${term} ${toText(data) || '(empty)'}`);
}
