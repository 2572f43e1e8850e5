import type { Chance } from '../chance.js';

const NESTED_MAX = 4;
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** The bytes of a protobuf message of which nothing is known: fields of any number and kind, messages within messages. */
export function drawWire(chance: Chance, depth = 0): Buffer {
  const fields = chance.list(depth === 0 ? 12 : 5, () => drawField(chance, depth));
  return Buffer.concat(fields);
}

function drawField(chance: Chance, depth: number): Buffer {
  // Few messages have more than sixteen fields, and etcd's numbers begin at 1.
  const number = chance.oneIn(12) ? chance.between(1, 2 ** 29 - 1) : chance.between(1, 15);
  const kind = chance.oneIn(16) ? chance.pick([FIXED64, FIXED32]) : chance.pick([VARINT, LENGTH, LENGTH]);
  const tag = varint(BigInt(number) * 8n + BigInt(kind));
  switch (kind) {
    case VARINT:
      return Buffer.concat([tag, varint(drawNumber(chance))]);
    case LENGTH: {
      const content = drawContent(chance, depth);
      return Buffer.concat([tag, varint(BigInt(content.length)), content]);
    }
    default:
      return Buffer.concat([tag, Buffer.alloc(kind === FIXED64 ? 8 : 4, chance.between(0, 255))]);
  }
}

function drawContent(chance: Chance, depth: number): Buffer {
  if (depth < NESTED_MAX && chance.oneIn(2)) return drawWire(chance, depth + 1);
  return chance.oneIn(3) ? Buffer.from(chance.text(), 'utf8') : chance.bytes(60);
}

/** Mostly what a flag, an enum or a count can be; sometimes any 64 bits. */
function drawNumber(chance: Chance): bigint {
  if (chance.oneIn(2)) return BigInt(chance.between(0, 5));
  return chance.oneIn(4) ? chance.id() : BigInt.asUintN(64, BigInt(chance.integer()));
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
