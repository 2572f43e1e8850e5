/** All that members say to each other as bytes: message after message, with nothing between them and nothing after. */
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import { boundOfConfiguration, boundOfEntries, FIXED_BYTES_MAX, readRaft, writeRaft } from './codec-raft.js';
import { readRequest, REQUEST_TAG, writeRequest } from './codec-request.js';
import type { PeerMessage } from './types.js';
import { MalformedError, WireReader } from './wire-reader.js';
import { TEXT_BYTES_MAX, type WireWriter } from './wire-writer.js';

const FIRST_REQUEST_TAG = REQUEST_TAG.forward;
const COUNT_BYTES = 4;
const NUMBER_BYTES = 8;

/** At least as many bytes as {@link writeMessage} takes. It is close: what entries carry counts most. */
export function boundOf(message: PeerMessage): number {
  switch (message.type) {
    case 'appendEntries':
      return FIXED_BYTES_MAX + boundOfEntries(message.entries);
    case 'installSnapshot':
      return FIXED_BYTES_MAX + boundOfConfiguration(message.configuration);
    case 'forward':
      return FIXED_BYTES_MAX + message.commands.reduce((bytes, command) => bytes + COUNT_BYTES + command.length, 0);
    case 'renew':
      return FIXED_BYTES_MAX + NUMBER_BYTES * message.leases.length;
    case 'renewed':
      return FIXED_BYTES_MAX + NUMBER_BYTES * message.ttls.length + boundOfRefusal(message);
    case 'askChange':
      return FIXED_BYTES_MAX + message.change.length;
    case 'forwarded':
    case 'remaining':
    case 'changed':
      return FIXED_BYTES_MAX + boundOfRefusal(message);
    default:
      return FIXED_BYTES_MAX;
  }
}

function boundOfRefusal(answer: { readonly refusal?: unknown }): number {
  return answer.refusal === undefined ? 0 : 2 * TEXT_BYTES_MAX;
}

/**
 * Writes one message; `from` and `to` are left out, for both ends know them.
 *
 * @throws `InvariantError` if a number in it is not whole, exact and 0 or more, or the entries have a gap
 */
export function writeMessage(writer: WireWriter, message: PeerMessage): void {
  switch (message.type) {
    case 'forward':
    case 'forwarded':
    case 'renew':
    case 'renewed':
    case 'askRemaining':
    case 'remaining':
    case 'askChange':
    case 'changed':
    case 'stateHash':
    case 'stateHashAnswer':
    case 'diverged':
      return writeRequest(writer, message);
    default:
      return writeRaft(writer, message);
  }
}

/**
 * Reads the messages of a frame. Their data are views of it.
 *
 * @param from - who sent them, and `to` whom: it stands in every message of raft
 * @throws {@link MalformedError} if they are not exactly what {@link writeMessage} could have written
 */
export function readMessages(body: Buffer, from: MemberId, to: MemberId): PeerMessage[] {
  const reader = new WireReader(body);
  const messages: PeerMessage[] = [];
  do messages.push(readMessage(reader, from, to));
  while (!reader.isAtEnd);
  return messages;
}

/** Reads the announcement of a snapshot, alone in its frame. */
export function readAnnouncement(body: Buffer, from: MemberId, to: MemberId): InstallSnapshotRequest {
  const reader = new WireReader(body);
  const message = readMessage(reader, from, to);
  reader.end();
  if (message.type !== 'installSnapshot') throw new MalformedError(`a snapshot is announced by ${message.type}`);
  return message;
}

function readMessage(reader: WireReader, from: MemberId, to: MemberId): PeerMessage {
  const tag = reader.byte();
  if (tag >= FIRST_REQUEST_TAG) return readRequest(tag, reader);
  return readRaft(tag, reader, from, to);
}
