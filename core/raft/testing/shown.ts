import { toText } from '../../base/bytes.js';
import { decodeConfiguration } from '../configuration.js';
import type { Configuration, Entry, MemberId, Message } from '../types.js';

/** Entries as text: index, term and data. */
export function shown(entries: readonly Entry[]): string[] {
  return entries.map((each) => `${each.index}/${each.term} ${shownData(each)}`);
}

/** A configuration as text, for example `[1 2 3] learning [4]`, or while it is joint `[1 2 4] and [1 2 3]`. */
export function shownConfiguration({ voters, outgoing, learners }: Configuration): string {
  const group = (ids: readonly MemberId[]) => `[${ids.join(' ')}]`;
  const joint = outgoing === undefined ? '' : ` and ${group(outgoing)}`;
  return `${group(voters)}${joint}${learners.length > 0 ? ` learning ${group(learners)}` : ''}`;
}

/** A message as text. */
export function shownMessage(message: Message): string {
  return `${message.from} → ${message.to} ${message.type}, term ${message.term}${shownContent(message)}`;
}

function shownData({ kind, data }: Entry): string {
  if (kind === 'configuration') return shownConfiguration(decodeConfiguration(data).configuration);
  return toText(data) || '(empty)';
}

function shownContent(message: Message): string {
  switch (message.type) {
    case 'requestPreVote':
    case 'requestVote':
      return `: ends at ${message.lastIndex}/${message.lastTerm}${message.transfer ? ', takes over' : ''}`;
    case 'preVoteAnswer':
    case 'voteAnswer':
      return message.granted ? ': yes' : ': no';
    case 'appendEntries': {
      const entries = message.entries.length > 0 ? `: ${shown(message.entries).join(', ')}` : '';
      return `, after ${message.previousIndex}/${message.previousTerm}${entries}, committed ${message.commitIndex}`;
    }
    case 'appendEntriesAnswer':
      return message.accepted
        ? `: has ${message.matchedIndex}`
        : `: not ${message.previousIndex}, perhaps ${message.hintIndex}/${message.hintTerm}`;
    case 'heartbeat':
      return `, committed ${message.commitIndex}${shownRound(message.readRound)}`;
    case 'heartbeatAnswer':
      return shownRound(message.readRound);
    case 'installSnapshot':
      return `: ${message.lastIndex}/${message.lastTerm} ${shownConfiguration(message.configuration)}`;
    case 'installSnapshotAnswer':
      return `: has ${message.matchedIndex}`;
    case 'readIndexAnswer':
      return `: ${message.index}`;
    default:
      return '';
  }
}

function shownRound(round: number): string {
  return round === 0 ? '' : `, round ${round}`;
}
