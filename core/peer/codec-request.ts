/** What members ask of each other beside raft, as bytes: a tag from 32 on, then the fields in the order below. */
import type { Message } from '../raft/types.js';
import type { PeerMessage, Refusal } from './types.js';
import { MalformedError, type WireReader } from './wire-reader.js';
import type { WireWriter } from './wire-writer.js';

/** Tags of these messages; 32 and above. */
export const REQUEST_TAG = {
  forward: 32,
  forwarded: 33,
  renew: 34,
  renewed: 35,
  askRemaining: 36,
  remaining: 37,
  askChange: 38,
  changed: 39,
  stateHash: 40,
  stateHashAnswer: 41,
  diverged: 42,
} as const;

/** What is not raft's own. */
export type RequestMessage = Exclude<PeerMessage, Message>;

const COUNT_BYTES = 4;
const NUMBER_BYTES = 8;

export function writeRequest(writer: WireWriter, message: RequestMessage): void {
  writer.byte(REQUEST_TAG[message.type]);
  switch (message.type) {
    case 'forward':
      writer.number(message.request);
      writer.count(message.commands.length);
      for (const command of message.commands) writer.bytes(command);
      return;
    case 'forwarded':
      writer.number(message.request);
      writer.number(message.term);
      writer.number(message.firstIndex);
      writer.number(message.accepted);
      return writeRefusal(writer, message.refusal);
    case 'renew':
      writer.number(message.request);
      writer.count(message.leases.length);
      for (const lease of message.leases) writer.lease(lease);
      return;
    case 'renewed':
      writer.number(message.request);
      writer.count(message.ttls.length);
      for (const ttl of message.ttls) writer.real(ttl);
      return writeRefusal(writer, message.refusal);
    case 'askRemaining':
      writer.number(message.request);
      return writer.lease(message.lease);
    case 'remaining':
      writer.number(message.request);
      writer.real(message.remainingMs);
      return writeRefusal(writer, message.refusal);
    case 'askChange':
      writer.number(message.request);
      return writer.bytes(message.change);
    case 'changed':
      writer.number(message.request);
      writer.number(message.index);
      writer.number(message.term);
      return writeRefusal(writer, message.refusal);
    case 'stateHash':
      writer.number(message.index);
      return writer.number(message.hash);
    case 'stateHashAnswer':
      writer.number(message.index);
      writer.flag(message.hash !== undefined);
      if (message.hash !== undefined) writer.number(message.hash);
      return;
    case 'diverged':
      writer.number(message.afterIndex);
      return writer.number(message.upToIndex);
  }
}

/**
 * @param tag - 32 or above; it has been read
 * @throws {@link MalformedError} if there is no such tag, or the fields cannot be
 */
export function readRequest(tag: number, reader: WireReader): RequestMessage {
  switch (tag) {
    case REQUEST_TAG.forward: {
      const request = reader.number();
      return { type: 'forward', request, commands: readAll(reader, COUNT_BYTES, () => reader.bytes()) };
    }
    case REQUEST_TAG.forwarded: {
      const request = reader.number();
      const term = reader.number();
      const firstIndex = reader.number();
      const accepted = reader.number();
      return { type: 'forwarded', request, term, firstIndex, accepted, ...readRefusal(reader) };
    }
    case REQUEST_TAG.renew: {
      const request = reader.number();
      return { type: 'renew', request, leases: readAll(reader, NUMBER_BYTES, () => reader.lease()) };
    }
    case REQUEST_TAG.renewed: {
      const request = reader.number();
      const ttls = readAll(reader, NUMBER_BYTES, () => reader.real());
      return { type: 'renewed', request, ttls, ...readRefusal(reader) };
    }
    case REQUEST_TAG.askRemaining: {
      const request = reader.number();
      return { type: 'askRemaining', request, lease: reader.lease() };
    }
    case REQUEST_TAG.remaining: {
      const request = reader.number();
      const remainingMs = reader.real();
      return { type: 'remaining', request, remainingMs, ...readRefusal(reader) };
    }
    case REQUEST_TAG.askChange: {
      const request = reader.number();
      return { type: 'askChange', request, change: reader.bytes() };
    }
    case REQUEST_TAG.changed: {
      const request = reader.number();
      const index = reader.number();
      const term = reader.number();
      return { type: 'changed', request, index, term, ...readRefusal(reader) };
    }
    case REQUEST_TAG.stateHash: {
      const index = reader.number();
      return { type: 'stateHash', index, hash: reader.number() };
    }
    case REQUEST_TAG.stateHashAnswer: {
      const index = reader.number();
      return { type: 'stateHashAnswer', index, hash: reader.flag() ? reader.number() : undefined };
    }
    case REQUEST_TAG.diverged: {
      const afterIndex = reader.number();
      return { type: 'diverged', afterIndex, upToIndex: reader.number() };
    }
    default:
      throw new MalformedError(`there is no message with tag ${tag}`);
  }
}

function writeRefusal(writer: WireWriter, refusal: Refusal | undefined): void {
  writer.flag(refusal !== undefined);
  if (refusal === undefined) return;
  writer.text(refusal.code);
  writer.text(refusal.message);
}

function readRefusal(reader: WireReader): { readonly refusal?: Refusal } {
  if (!reader.flag()) return {};
  const code = reader.text();
  return { refusal: { code, message: reader.text() } };
}

function readAll<T>(reader: WireReader, leastBytes: number, read: () => T): T[] {
  return Array.from({ length: reader.countOf(leastBytes) }, read);
}
