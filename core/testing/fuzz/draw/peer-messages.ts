import type { PeerMessage, Refusal } from '../../../peer/types.js';
import type { Entry, InstallSnapshotRequest } from '../../../raft/types.js';
import type { Chance } from '../chance.js';
import { drawConfiguration, drawUtf8 } from './commands.js';

export const FROM = 7n;
export const TO = 9n;

type Draw = (chance: Chance) => PeerMessage;

export function drawPeerMessage(chance: Chance): PeerMessage {
  return chance.pick(DRAWS)(chance);
}

export function drawAnnouncement(chance: Chance): InstallSnapshotRequest {
  const place = { lastIndex: chance.count(), lastTerm: chance.count() };
  return { type: 'installSnapshot', ...envelope(chance), ...place, configuration: drawConfiguration(chance) };
}

function envelope(chance: Chance) {
  return { from: FROM, to: TO, term: chance.count() };
}

function drawAppendEntries(chance: Chance): PeerMessage {
  const previousIndex = Math.min(chance.count(), Number.MAX_SAFE_INTEGER - 100);
  const entries = chance.list(8, () => ({ term: chance.count(), data: chance.bytes(300) }));
  return {
    type: 'appendEntries',
    ...envelope(chance),
    previousIndex,
    previousTerm: chance.count(),
    commitIndex: chance.count(),
    entries: entries.map((entry, at): Entry => {
      const indexed = { index: previousIndex + 1 + at, ...entry };
      return chance.oneIn(4) ? { ...indexed, kind: 'configuration' } : indexed;
    }),
  };
}

function refusalOrNone(chance: Chance): { readonly refusal?: Refusal } {
  if (chance.oneIn(2)) return {};
  return { refusal: { code: drawUtf8(chance), message: drawUtf8(chance) } };
}

const duration = (chance: Chance) => chance.integer() / chance.pick([1, 2, 1_000]);

const DRAWS: readonly Draw[] = [
  drawAppendEntries,
  drawAppendEntries,
  drawAnnouncement,
  (chance) => ({
    type: chance.pick(['requestPreVote', 'requestVote'] as const),
    ...envelope(chance),
    ...{ lastIndex: chance.count(), lastTerm: chance.count(), transfer: chance.oneIn(2) },
  }),
  (chance) => ({
    type: chance.pick(['preVoteAnswer', 'voteAnswer'] as const),
    ...envelope(chance),
    granted: chance.oneIn(2),
  }),
  (chance) => ({ type: 'appendEntriesAnswer', ...envelope(chance), accepted: true, matchedIndex: chance.count() }),
  (chance) => ({
    type: 'appendEntriesAnswer',
    ...envelope(chance),
    accepted: false,
    ...{ previousIndex: chance.count(), hintIndex: chance.count(), hintTerm: chance.count() },
  }),
  (chance) => ({ type: 'heartbeat', ...envelope(chance), commitIndex: chance.count(), readRound: chance.count() }),
  (chance) => ({ type: 'heartbeatAnswer', ...envelope(chance), readRound: chance.count() }),
  (chance) => ({ type: 'installSnapshotAnswer', ...envelope(chance), matchedIndex: chance.count() }),
  (chance) => ({ type: 'timeoutNow', ...envelope(chance) }),
  (chance) => ({ type: 'readIndex', ...envelope(chance), context: chance.count() }),
  (chance) => ({ type: 'readIndexAnswer', ...envelope(chance), context: chance.count(), index: chance.count() }),
  (chance) => ({ type: 'forward', request: chance.count(), commands: chance.list(6, () => chance.bytes(200)) }),
  (chance) => ({
    type: 'forwarded',
    ...{ request: chance.count(), term: chance.count(), firstIndex: chance.count(), accepted: chance.count() },
    ...refusalOrNone(chance),
  }),
  (chance) => ({ type: 'renew', request: chance.count(), leases: chance.list(20, () => chance.signedId()) }),
  (chance) => ({
    type: 'renewed',
    ...{ request: chance.count(), ttls: chance.list(20, () => duration(chance)) },
    ...refusalOrNone(chance),
  }),
  (chance) => ({ type: 'askRemaining', request: chance.count(), lease: chance.signedId() }),
  (chance) => ({
    type: 'remaining',
    ...{ request: chance.count(), remainingMs: duration(chance) },
    ...refusalOrNone(chance),
  }),
  (chance) => ({ type: 'askChange', request: chance.count(), change: chance.bytes(200) }),
  (chance) => ({
    type: 'changed',
    ...{ request: chance.count(), index: chance.count(), term: chance.count() },
    ...refusalOrNone(chance),
  }),
  (chance) => ({ type: 'stateHash', index: chance.count(), hash: chance.count() }),
  (chance) => ({ type: 'stateHashAnswer', index: chance.count(), hash: chance.maybe(() => chance.count()) }),
  (chance) => ({ type: 'diverged', afterIndex: chance.count(), upToIndex: chance.count() }),
];
