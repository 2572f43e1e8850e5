import { unreachable } from '../base/assert.js';
import { type AppendEntriesRequest, type MemberId, type Message, NO_MEMBER } from './types.js';

/** Above this no term or index is believed: at a million a second it would take thirty years to come here. */
const COUNT_MAX = 2 ** 50;

/**
 * Whether a message can be one that a member says to this one. What cannot is not answered: whoever sent it is not what
 * it seems to be.
 */
export function isPlausible(message: Message, self: MemberId): boolean {
  const { from, to, term } = message;
  return to === self && from !== self && from !== NO_MEMBER && areCounts(term) && hasPlausibleContent(message);
}

function hasPlausibleContent(message: Message): boolean {
  switch (message.type) {
    case 'requestPreVote':
    case 'requestVote':
      return areCounts(message.lastIndex, message.lastTerm) && message.lastTerm < message.term;
    case 'appendEntries':
      return areCounts(message.previousIndex, message.previousTerm, message.commitIndex) && isSequence(message);
    case 'appendEntriesAnswer':
      if (message.accepted) return areCounts(message.matchedIndex);
      return areCounts(message.previousIndex, message.hintIndex, message.hintTerm);
    case 'heartbeat':
      return areCounts(message.commitIndex, message.readRound);
    case 'heartbeatAnswer':
      return areCounts(message.readRound);
    case 'installSnapshot':
      return (
        areCounts(message.lastIndex, message.lastTerm) &&
        message.lastTerm <= message.term &&
        message.configuration.voters.length > 0
      );
    case 'installSnapshotAnswer':
      return areCounts(message.matchedIndex);
    case 'readIndex':
      return areCounts(message.context);
    case 'readIndexAnswer':
      return areCounts(message.context, message.index);
    case 'preVoteAnswer':
    case 'voteAnswer':
    case 'timeoutNow':
      return true;
    default:
      return unreachable(message);
  }
}

/** Entries follow each other without a gap, and their terms never fall, from the one before them to the leader's own. */
function isSequence({ previousIndex, previousTerm, entries, term }: AppendEntriesRequest): boolean {
  let index = previousIndex;
  let lastTerm = previousTerm;
  for (const entry of entries) {
    index += 1;
    if (entry.index !== index || entry.term < lastTerm) return false;
    lastTerm = entry.term;
  }
  return lastTerm <= term && areCounts(index, lastTerm);
}

function areCounts(...numbers: readonly number[]): boolean {
  return numbers.every((number) => Number.isInteger(number) && number >= 0 && number <= COUNT_MAX);
}
