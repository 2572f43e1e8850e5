import { FRAME_HEADER_BYTES } from '../../../peer/frame.js';
import * as greeting from '../../../peer/greeting.js';
import type { RefusedCode } from '../../../peer/types.js';
import { MalformedError } from '../../../peer/wire-reader.js';
import type { Chance } from '../chance.js';
import { codecTarget } from '../codec-target.js';
import { drawUtf8 } from '../draw/commands.js';

type Said =
  | { readonly kind: 'hello'; readonly said: greeting.Hello }
  | { readonly kind: 'welcome'; readonly said: greeting.Hello['greeting'] }
  | { readonly kind: 'refused'; readonly said: { readonly code: RefusedCode; readonly reason: string } }
  | { readonly kind: 'end'; readonly said: { readonly bytes: number; readonly sha256: Uint8Array } }
  | { readonly kind: 'verdict'; readonly said: greeting.Verdict };

const KINDS = ['hello', 'welcome', 'refused', 'end', 'verdict'] as const;
const CODES: readonly RefusedCode[] = ['clusterMismatch', 'memberUnknown', 'memberWiped', 'versionMismatch'];

function drawSaid(chance: Chance): Said {
  const kind = chance.pick(KINDS);
  const who = { clusterId: chance.id(), memberId: chance.id(), incarnation: chance.id() };
  switch (kind) {
    case 'hello': {
      const purpose = chance.pick(['messages', 'snapshot', 'members'] as const);
      return { kind, said: { purpose, greeting: who, target: chance.id() } };
    }
    case 'welcome':
      return { kind, said: who };
    case 'refused':
      return { kind, said: { code: chance.pick(CODES), reason: drawUtf8(chance) } };
    case 'end':
      return { kind, said: { bytes: chance.count(), sha256: Buffer.alloc(32, chance.between(0, 255)) } };
    case 'verdict':
      return { kind, said: chance.oneIn(2) ? { isTaken: true } : { isTaken: false, reason: drawUtf8(chance) } };
  }
}

/** The kind as one byte, then the frame's body. */
function encode({ kind, said }: Said): Uint8Array {
  return Buffer.concat([Buffer.of(KINDS.indexOf(kind)), frameOf({ kind, said } as Said).subarray(FRAME_HEADER_BYTES)]);
}

function frameOf(said: Said): Buffer {
  switch (said.kind) {
    case 'hello':
      return greeting.encodeHello(said.said);
    case 'welcome':
      return greeting.encodeWelcome(said.said);
    case 'refused':
      return greeting.encodeRefused(said.said);
    case 'end':
      return greeting.encodeEnd(said.said.bytes, said.said.sha256);
    case 'verdict':
      return greeting.encodeVerdict(said.said);
  }
}

function decode(bytes: Buffer): Said {
  const kind = KINDS[(bytes[0] ?? 0) % KINDS.length] as Said['kind'];
  const body = bytes.subarray(1);
  switch (kind) {
    case 'hello':
      return { kind, said: greeting.decodeHello(body) };
    case 'welcome':
      return { kind, said: greeting.decodeWelcome(body) };
    case 'refused':
      return { kind, said: greeting.decodeRefused(body) };
    case 'end':
      return { kind, said: greeting.decodeEnd(body) };
    case 'verdict':
      return { kind, said: greeting.decodeVerdict(body) };
  }
}

/** The small frames at the beginning and end of connections between members. */
export const greetings = codecTarget('greetings', 'greetings, refusals and verdicts between members', {
  draw: drawSaid,
  encode,
  decode,
  refusals: [MalformedError],
});
