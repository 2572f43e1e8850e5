/**
 * Raft's messages as bytes: a tag, the term, then the fields in the order below. Who sent a message and to whom is not
 * written: it came over a connection whose ends have told each other who they are, and can be nothing else.
 */
import { assert } from '../base/assert.js';
import type {
  AppendEntriesRequest,
  Configuration,
  Entry,
  InstallSnapshotRequest,
  MemberId,
  Message,
} from '../raft/types.js';
import { MalformedError, type WireReader } from './wire-reader.js';
import type { WireWriter } from './wire-writer.js';

/** Tags of raft's messages; below 32. */
export const RAFT_TAG = {
  appendEntries: 1,
  appendAccepted: 2,
  appendRejected: 3,
  heartbeat: 4,
  heartbeatAnswer: 5,
  requestPreVote: 6,
  requestVote: 7,
  preVoteAnswer: 8,
  voteAnswer: 9,
  installSnapshot: 10,
  installSnapshotAnswer: 11,
  timeoutNow: 12,
  readIndex: 13,
  readIndexAnswer: 14,
} as const;

/** Tag, term and what a message without lists has at most beside them. */
export const FIXED_BYTES_MAX = 64;
/** Of an entry, beside its data: what it is, its term where that differs from the one before, the count of its data. */
const ENTRY_BYTES_MAX = 13;
const ENTRY_BYTES_MIN = 5;
const ENTRY_IS_CONFIGURATION = 1;
const ENTRY_HAS_TERM = 2;
const ID_BYTES = 8;

/** At least as many bytes as {@link writeRaft} takes for these entries. */
export function boundOfEntries(entries: readonly Entry[]): number {
  let bytes = ENTRY_BYTES_MAX * entries.length;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** At least as many bytes as {@link writeRaft} takes for this configuration. */
export function boundOfConfiguration({ voters, outgoing, learners }: Configuration): number {
  return ID_BYTES * (voters.length + (outgoing?.length ?? 0) + learners.length);
}

export function writeRaft(writer: WireWriter, message: Message): void {
  switch (message.type) {
    case 'appendEntries':
      return writeAppendEntries(writer, message);
    case 'appendEntriesAnswer':
      begin(writer, message.accepted ? RAFT_TAG.appendAccepted : RAFT_TAG.appendRejected, message);
      if (message.accepted) return writer.number(message.matchedIndex);
      writer.number(message.previousIndex);
      writer.number(message.hintIndex);
      return writer.number(message.hintTerm);
    case 'heartbeat':
      begin(writer, RAFT_TAG.heartbeat, message);
      writer.number(message.commitIndex);
      return writer.number(message.readRound);
    case 'heartbeatAnswer':
      begin(writer, RAFT_TAG.heartbeatAnswer, message);
      return writer.number(message.readRound);
    case 'requestPreVote':
    case 'requestVote':
      begin(writer, RAFT_TAG[message.type], message);
      writer.number(message.lastIndex);
      writer.number(message.lastTerm);
      return writer.flag(message.transfer);
    case 'preVoteAnswer':
    case 'voteAnswer':
      begin(writer, RAFT_TAG[message.type], message);
      return writer.flag(message.granted);
    case 'installSnapshot':
      return writeInstallSnapshot(writer, message);
    case 'installSnapshotAnswer':
      begin(writer, RAFT_TAG.installSnapshotAnswer, message);
      return writer.number(message.matchedIndex);
    case 'timeoutNow':
      return begin(writer, RAFT_TAG.timeoutNow, message);
    case 'readIndex':
      begin(writer, RAFT_TAG.readIndex, message);
      return writer.number(message.context);
    case 'readIndexAnswer':
      begin(writer, RAFT_TAG.readIndexAnswer, message);
      writer.number(message.context);
      return writer.number(message.index);
  }
}

/**
 * @param tag - below 32; it has been read
 * @throws {@link MalformedError} if there is no such tag, or the fields cannot be
 */
export function readRaft(tag: number, reader: WireReader, from: MemberId, to: MemberId): Message {
  const term = reader.number();
  switch (tag) {
    case RAFT_TAG.appendEntries:
      return readAppendEntries(reader, from, to, term);
    case RAFT_TAG.appendAccepted:
      return { type: 'appendEntriesAnswer', from, to, term, accepted: true, matchedIndex: reader.number() };
    case RAFT_TAG.appendRejected: {
      const previousIndex = reader.number();
      const hintIndex = reader.number();
      const hintTerm = reader.number();
      return { type: 'appendEntriesAnswer', from, to, term, accepted: false, previousIndex, hintIndex, hintTerm };
    }
    case RAFT_TAG.heartbeat: {
      const commitIndex = reader.number();
      return { type: 'heartbeat', from, to, term, commitIndex, readRound: reader.number() };
    }
    case RAFT_TAG.heartbeatAnswer:
      return { type: 'heartbeatAnswer', from, to, term, readRound: reader.number() };
    case RAFT_TAG.requestPreVote:
    case RAFT_TAG.requestVote: {
      const type = tag === RAFT_TAG.requestVote ? 'requestVote' : 'requestPreVote';
      const lastIndex = reader.number();
      const lastTerm = reader.number();
      return { type, from, to, term, lastIndex, lastTerm, transfer: reader.flag() };
    }
    case RAFT_TAG.preVoteAnswer:
      return { type: 'preVoteAnswer', from, to, term, granted: reader.flag() };
    case RAFT_TAG.voteAnswer:
      return { type: 'voteAnswer', from, to, term, granted: reader.flag() };
    case RAFT_TAG.installSnapshot:
      return readInstallSnapshot(reader, from, to, term);
    case RAFT_TAG.installSnapshotAnswer:
      return { type: 'installSnapshotAnswer', from, to, term, matchedIndex: reader.number() };
    case RAFT_TAG.timeoutNow:
      return { type: 'timeoutNow', from, to, term };
    case RAFT_TAG.readIndex:
      return { type: 'readIndex', from, to, term, context: reader.number() };
    case RAFT_TAG.readIndexAnswer: {
      const context = reader.number();
      return { type: 'readIndexAnswer', from, to, term, context, index: reader.number() };
    }
    default:
      throw new MalformedError(`there is no message with tag ${tag}`);
  }
}

function begin(writer: WireWriter, tag: number, message: { readonly term: number }): void {
  writer.byte(tag);
  writer.number(message.term);
}

function writeAppendEntries(writer: WireWriter, message: AppendEntriesRequest): void {
  begin(writer, RAFT_TAG.appendEntries, message);
  writer.number(message.previousIndex);
  writer.number(message.previousTerm);
  writer.number(message.commitIndex);
  writer.count(message.entries.length);
  let index = message.previousIndex;
  let term = message.previousTerm;
  for (const entry of message.entries) {
    index += 1;
    assert(entry.index === index, 'the entries of a message follow each other');
    const kind = entry.kind === 'configuration' ? ENTRY_IS_CONFIGURATION : 0;
    if (entry.term === term) {
      writer.byte(kind);
    } else {
      term = entry.term;
      writer.byte(kind | ENTRY_HAS_TERM);
      writer.number(term);
    }
    writer.bytes(entry.data);
  }
}

function readAppendEntries(reader: WireReader, from: MemberId, to: MemberId, term: number): AppendEntriesRequest {
  const previousIndex = reader.number();
  const previousTerm = reader.number();
  const commitIndex = reader.number();
  const count = reader.countOf(ENTRY_BYTES_MIN);
  if (!Number.isSafeInteger(previousIndex + count)) throw new MalformedError('an index is not exact');
  const entries = new Array<Entry>(count);
  let entryTerm = previousTerm;
  for (let at = 0; at < count; at += 1) {
    const flags = reader.byte();
    if (flags > 3) throw new MalformedError(`an entry is said to be ${flags}`);
    if ((flags & ENTRY_HAS_TERM) !== 0) entryTerm = reader.number();
    const index = previousIndex + 1 + at;
    entries[at] =
      (flags & ENTRY_IS_CONFIGURATION) === 0
        ? { index, term: entryTerm, data: reader.bytes() }
        : { index, term: entryTerm, data: reader.bytes(), kind: 'configuration' };
  }
  return { type: 'appendEntries', from, to, term, previousIndex, previousTerm, entries, commitIndex };
}

function writeInstallSnapshot(writer: WireWriter, message: InstallSnapshotRequest): void {
  begin(writer, RAFT_TAG.installSnapshot, message);
  writer.number(message.lastIndex);
  writer.number(message.lastTerm);
  const { voters, outgoing, learners } = message.configuration;
  writeIds(writer, voters);
  writer.flag(outgoing !== undefined);
  if (outgoing !== undefined) writeIds(writer, outgoing);
  writeIds(writer, learners);
}

function readInstallSnapshot(reader: WireReader, from: MemberId, to: MemberId, term: number): InstallSnapshotRequest {
  const lastIndex = reader.number();
  const lastTerm = reader.number();
  const voters = readIds(reader);
  const outgoing = reader.flag() ? readIds(reader) : undefined;
  const learners = readIds(reader);
  const configuration = outgoing === undefined ? { voters, learners } : { voters, outgoing, learners };
  return { type: 'installSnapshot', from, to, term, lastIndex, lastTerm, configuration };
}

function writeIds(writer: WireWriter, ids: readonly MemberId[]): void {
  writer.count(ids.length);
  for (const id of ids) writer.id(id);
}

function readIds(reader: WireReader): MemberId[] {
  return Array.from({ length: reader.countOf(ID_BYTES) }, () => reader.id());
}
