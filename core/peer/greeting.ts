/** The small frames at the beginning and end of connections, as bytes. */
import type { MemberId } from '../raft/types.js';
import { parseUrl } from './address.js';
import { encodeFrame, KIND } from './frame.js';
import type { Greeting, Refused, RefusedCode } from './types.js';
import { MalformedError, WireReader } from './wire-reader.js';
import { TEXT_BYTES_MAX, TEXT_LENGTH_MAX, type WireWriter } from './wire-writer.js';

/** What a connection is for. */
export type Purpose = 'messages' | 'snapshot' | 'members';

/** What a dialler says first. */
export interface Hello {
  readonly purpose: Purpose;
  readonly greeting: Greeting;
  /** Whom it means to reach; 0 for whoever is there. */
  readonly target: MemberId;
}

/** What the receiver of a snapshot says in the end. */
export type Verdict = { readonly isTaken: true } | { readonly isTaken: false; readonly reason: string };

const DIGEST_BYTES = 32;
/** The ids, and the URLs as one text. */
const GREETING_BYTES = 24 + TEXT_BYTES_MAX;
const URL_SEPARATOR = ' ';
/** Their places are on the wire: append only. */
const PURPOSES: readonly Purpose[] = ['messages', 'snapshot', 'members'];
const CODES: readonly RefusedCode[] = [
  'clusterMismatch',
  'memberUnknown',
  'memberRemoved',
  'memberWiped',
  'wrongMember',
  'versionMismatch',
];

export function encodeHello({ purpose, greeting, target }: Hello): Buffer {
  return encodeFrame(KIND.hello, 1 + GREETING_BYTES + 8, (writer) => {
    writer.byte(PURPOSES.indexOf(purpose));
    writeGreeting(writer, greeting);
    writer.id(target);
  });
}

/** @throws {@link MalformedError}; so all below */
export function decodeHello(body: Buffer): Hello {
  return decode(body, (reader) => {
    const purpose = pick(PURPOSES, reader.byte(), 'purpose');
    return { purpose, greeting: readGreeting(reader), target: reader.id() };
  });
}

export function encodeWelcome(greeting: Greeting): Buffer {
  return encodeFrame(KIND.welcome, GREETING_BYTES, (writer) => writeGreeting(writer, greeting));
}

export function decodeWelcome(body: Buffer): Greeting {
  return decode(body, readGreeting);
}

export function encodeRefused({ code, reason }: Refused): Buffer {
  return encodeFrame(KIND.refused, 1 + TEXT_BYTES_MAX, (writer) => {
    writer.byte(CODES.indexOf(code));
    writer.text(reason);
  });
}

export function decodeRefused(body: Buffer): Refused {
  return decode(body, (reader) => {
    const code = pick(CODES, reader.byte(), 'reason');
    return { code, reason: reader.text() };
  });
}

/** @param sha256 - of all bytes of the snapshot */
export function encodeEnd(bytes: number, sha256: Uint8Array): Buffer {
  return encodeFrame(KIND.end, 8 + DIGEST_BYTES, (writer) => {
    writer.number(bytes);
    writer.raw(sha256);
  });
}

export function decodeEnd(body: Buffer): { readonly bytes: number; readonly sha256: Uint8Array } {
  return decode(body, (reader) => {
    const bytes = reader.number();
    return { bytes, sha256: reader.raw(DIGEST_BYTES) };
  });
}

export function encodeVerdict(verdict: Verdict): Buffer {
  return encodeFrame(KIND.verdict, 1 + TEXT_BYTES_MAX, (writer) => {
    writer.flag(verdict.isTaken);
    if (!verdict.isTaken) writer.text(verdict.reason);
  });
}

export function decodeVerdict(body: Buffer): Verdict {
  return decode(body, (reader) => {
    const isTaken = reader.flag();
    return isTaken ? { isTaken } : { isTaken, reason: reader.text() };
  });
}

function decode<T>(body: Buffer, read: (reader: WireReader) => T): T {
  const reader = new WireReader(body);
  const value = read(reader);
  reader.end();
  return value;
}

function writeGreeting(writer: WireWriter, greeting: Greeting): void {
  writer.id(greeting.clusterId);
  writer.id(greeting.memberId);
  writer.id(greeting.incarnation);
  const urls = greeting.peerUrls?.join(URL_SEPARATOR) ?? '';
  // A part of them would be worse than none.
  writer.text(urls.length > TEXT_LENGTH_MAX ? '' : urls);
}

function readGreeting(reader: WireReader): Greeting {
  const clusterId = reader.id();
  const memberId = reader.id();
  const incarnation = reader.id();
  const urls = reader.text();
  if (urls === '') return { clusterId, memberId, incarnation };
  const peerUrls = urls.split(URL_SEPARATOR);
  for (const url of peerUrls) if (parseUrl(url) === undefined) throw new MalformedError('an address is no URL');
  return { clusterId, memberId, incarnation, peerUrls };
}

function pick<T>(all: readonly T[], at: number, what: string): T {
  const picked = all[at];
  if (picked === undefined) throw new MalformedError(`there is no ${what} ${at}`);
  return picked;
}
