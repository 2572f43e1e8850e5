import { toBytes } from '../../base/bytes.js';
import { seededPrng } from '../../base/prng.js';
import type { RaftOptions } from '../options.js';
import { Raft } from '../raft.js';
import {
  type Configuration,
  type Entry,
  INITIAL_HARD_STATE,
  type MemberId,
  type Ready,
  type StoredLog,
} from '../types.js';

export const EMPTY_LOG: StoredLog = { firstIndex: 1, previousTerm: 0, entries: [] };

/** What a member of tests starts from, unless told otherwise. */
export function testOptions(options: Partial<RaftOptions> = {}): RaftOptions {
  return {
    id: 1n,
    prng: seededPrng(1),
    electionTicks: 10,
    heartbeatTicks: 1,
    hardState: INITIAL_HARD_STATE,
    log: EMPTY_LOG,
    appliedIndex: 0,
    configuration: votersOnly(1n),
    uncommittedBytesMax: 1_000,
    appendBytesMax: 1_000,
    inflightMessagesMax: 8,
    inflightBytesMax: 8_000,
    ...options,
  };
}

/** The one member of a configuration, new unless told otherwise. */
export function soleVoter(options: Partial<RaftOptions> = {}): Raft {
  return new Raft(testOptions(options));
}

export function votersOnly(...voters: readonly MemberId[]): Configuration {
  return { voters, learners: [] };
}

export function entry(index: number, term: number, data = ''): Entry {
  return { index, term, data: toBytes(data) };
}

/** Says that what a Ready asks for was done, as a driver with a working disk does. */
export function advance(raft: Raft, { append, committed }: Ready): void {
  if (append !== undefined) raft.appended(append);
  const last = committed.at(-1);
  if (last !== undefined) raft.applied(last.index);
}

/** Carries out one Ready. */
export function carryOut(raft: Raft): Ready {
  const ready = raft.ready();
  advance(raft, ready);
  return ready;
}

/** Carries out Readies until nothing is left to do, and returns them. */
export function settle(raft: Raft): Ready[] {
  const carriedOut: Ready[] = [];
  while (raft.hasReady()) carriedOut.push(carryOut(raft));
  return carriedOut;
}
