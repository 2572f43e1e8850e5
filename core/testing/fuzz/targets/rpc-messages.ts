import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import * as admin from '../../../rpc/gen/admin.js';
import * as cluster from '../../../rpc/gen/cluster.js';
import * as header from '../../../rpc/gen/header.js';
import * as kv from '../../../rpc/gen/kv.js';
import * as lease from '../../../rpc/gen/lease.js';
import * as maintenance from '../../../rpc/gen/maintenance.js';
import * as mvcc from '../../../rpc/gen/mvcc.js';
import * as watch from '../../../rpc/gen/watch.js';
import type { Chance } from '../chance.js';
import { codecTarget } from '../codec-target.js';
import { drawWire } from '../draw/wire.js';
import { Finding, type FuzzTarget } from '../target.js';

/** The codec of one message, as it is generated. */
export interface MessageCodec {
  encode(message: unknown, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): unknown;
}

/** Of so many draws, one gives bytes that are a message. */
const DRAWS_MAX = 20;

/**
 * Every message of one file: the first byte of an input chooses which. Valid ones are what reading bytes of any fields gives.
 * Whatever is thrown is answered with "invalid argument", so any error will do, but not one that says that the stack is full.
 */
function messagesOf(name: string, generated: object): FuzzTarget {
  const codecs = Object.values(generated).filter(isCodec);
  const codecAt = (bytes: Uint8Array) => codecs[(bytes[0] ?? 0) % codecs.length] as MessageCodec;
  const what = `${codecs.length} messages of ${name}.proto`;
  const codec = {
    draw: (chance: Chance) => {
      const which = chance.between(0, codecs.length - 1);
      return { which, message: drawMessage(codecs[which] as MessageCodec, chance) };
    },
    encode: ({ which, message }: { which: number; message: unknown }) =>
      Buffer.concat([Buffer.of(which), (codecs[which] as MessageCodec).encode(message).finish()]),
    decode: (bytes: Buffer) => ({
      which: (bytes[0] ?? 0) % codecs.length,
      message: reading(() => codecAt(bytes).decode(bytes.subarray(1))),
    }),
    refusals: [Error],
  };
  return codecTarget(`rpc-${name}`, what, codec);
}

/** A message of this kind with fields of all kinds; now and then an empty one. */
export function drawMessage(codec: { decode(bytes: Uint8Array): unknown }, chance: Chance): unknown {
  for (let left = DRAWS_MAX; left > 0; left -= 1) {
    try {
      return codec.decode(drawWire(chance));
    } catch {
      // Bytes that are no message of this kind: other ones will be.
    }
  }
  return codec.decode(Buffer.alloc(0));
}

/** @throws {@link Finding} if the reader calls itself too often, which somebody else may make it do at a worse place */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError && error.message.includes('call stack')) throw new Finding('the stack was full');
    throw error;
  }
}

function isCodec(value: unknown): value is MessageCodec {
  return typeof value === 'object' && value !== null && 'encode' in value && 'decode' in value;
}

export const rpcMessages: readonly FuzzTarget[] = Object.entries({
  admin,
  cluster,
  header,
  kv,
  lease,
  maintenance,
  mvcc,
  watch,
}).map(([name, generated]) => messagesOf(name, generated));
