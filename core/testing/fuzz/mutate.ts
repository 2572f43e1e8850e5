import type { Chance } from './chance.js';

/** No mutation makes an input longer than this: what is tried is the decoder, not the patience of whoever waits. */
export const INPUT_BYTES_MAX = 64 * 1024;

type Mutation = (bytes: Buffer, chance: Chance) => Buffer;

/** A value damaged a little: one to four of the ways below, one after the other. */
export function mutate(bytes: Uint8Array, chance: Chance): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = chance.oneIn(2) ? 1 : chance.between(2, 4); left > 0; left -= 1) {
    mutated = chance.pick(MUTATIONS)(mutated, chance).subarray(0, INPUT_BYTES_MAX);
  }
  return mutated;
}

/** Bytes that nobody made; often such as begin varints, lengths and tags. */
export function randomBytes(chance: Chance): Buffer {
  const bytes = Buffer.alloc(chance.oneIn(4) ? chance.between(0, 600) : chance.between(0, 24));
  const isTame = chance.oneIn(2);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = isTame ? chance.pick([0, 1, 2, 3, 8, 10, 18, 26, 34, 127, 128, 255]) : chance.between(0, 255);
  }
  return bytes;
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  truncate,
  dropStart,
  removePart,
  repeatPart,
  swapParts,
  insertBytes,
  overwriteNumber,
  overwriteNumber,
  insertHugeVarint,
  insertInvalidText,
  overwriteDigits,
  nest,
];

function flipBit(bytes: Buffer, chance: Chance): Buffer {
  const at = placeIn(bytes, chance);
  if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ (1 << chance.between(0, 7));
  return bytes;
}

function setByte(bytes: Buffer, chance: Chance): Buffer {
  if (bytes.length > 0)
    bytes[placeIn(bytes, chance)] = chance.pick([0, 1, 2, 0x7f, 0x80, 0xff, chance.between(0, 255)]);
  return bytes;
}

function truncate(bytes: Buffer, chance: Chance): Buffer {
  return bytes.subarray(0, chance.between(0, bytes.length));
}

function dropStart(bytes: Buffer, chance: Chance): Buffer {
  return bytes.subarray(chance.between(0, Math.min(bytes.length, 16)));
}

function removePart(bytes: Buffer, chance: Chance): Buffer {
  const [from, to] = partOf(bytes, chance);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeatPart(bytes: Buffer, chance: Chance): Buffer {
  const [from, to] = partOf(bytes, chance);
  const part = bytes.subarray(from, to);
  const times = chance.oneIn(8) ? chance.between(2, 200) : 1;
  return Buffer.concat([bytes.subarray(0, to), ...Array.from({ length: times }, () => part), bytes.subarray(to)]);
}

function swapParts(bytes: Buffer, chance: Chance): Buffer {
  const [from, to] = partOf(bytes, chance);
  const cut = chance.between(to, bytes.length);
  return Buffer.concat([
    bytes.subarray(0, from),
    bytes.subarray(to, cut),
    bytes.subarray(from, to),
    bytes.subarray(cut),
  ]);
}

function insertBytes(bytes: Buffer, chance: Chance): Buffer {
  return insert(bytes, chance, chance.bytes(64));
}

/** A length or number at its extremes, in either byte order, of every width. */
function overwriteNumber(bytes: Buffer, chance: Chance): Buffer {
  const width = chance.pick([1, 2, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = chance.between(0, bytes.length - width);
  const largest = 2n ** BigInt(8 * width) - 1n;
  const left = BigInt(bytes.length - at);
  const number = chance.pick([
    0n,
    1n,
    largest,
    largest >> 1n,
    (largest >> 1n) + 1n,
    left,
    left + 1n,
    left - BigInt(width),
  ]);
  const text = BigInt.asUintN(8 * width, number)
    .toString(16)
    .padStart(2 * width, '0');
  const written = Buffer.from(text, 'hex');
  if (chance.oneIn(2)) written.reverse();
  written.copy(bytes, at);
  return bytes;
}

function insertHugeVarint(bytes: Buffer, chance: Chance): Buffer {
  const varint = Buffer.alloc(chance.pick([4, 5, 9, 10, 11, 60]), 0xff);
  if (chance.oneIn(2)) varint[varint.length - 1] = chance.pick([0, 1, 0x0f, 0x7f]);
  return insert(bytes, chance, varint);
}

function insertInvalidText(bytes: Buffer, chance: Chance): Buffer {
  return insert(
    bytes,
    chance,
    Buffer.from(chance.pick(['c0af', 'eda080', 'f8888080', 'ff', 'e282', '00', 'efbfbd']), 'hex'),
  );
}

/** A number in a text: another one, one that is too large for a program, or something else. */
function overwriteDigits(bytes: Buffer, chance: Chance): Buffer {
  const text = bytes.toString('latin1');
  const runs = [...text.matchAll(/\d+/g)];
  if (runs.length === 0) return bytes;
  const { 0: digits, index } = chance.pick(runs);
  const other = chance.pick([
    '-1',
    '0',
    '1e999',
    '0.5',
    '9007199254740993',
    '999999999999',
    '0x10',
    '""',
    'null',
    '{}',
  ]);
  return Buffer.from(text.slice(0, index) + other + text.slice(index + digits.length), 'latin1');
}

/** What a decoder that calls itself may call itself too often for. */
function nest(bytes: Buffer, chance: Chance): Buffer {
  const depth = chance.oneIn(8) ? chance.between(1_000, 20_000) : chance.between(2, 60);
  const opening = chance.pick([
    Buffer.from('['),
    Buffer.from('{"a":'),
    bytes.subarray(...partOf(bytes, chance)).subarray(0, 8),
  ]);
  const nested = Buffer.concat(Array.from({ length: depth }, () => opening));
  return insert(bytes, chance, nested.subarray(0, INPUT_BYTES_MAX / 2));
}

function insert(bytes: Buffer, chance: Chance, inserted: Uint8Array): Buffer {
  const at = chance.between(0, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}

/** Headers matter most, and stand first. */
function placeIn(bytes: Buffer, chance: Chance): number {
  return chance.between(0, chance.oneIn(2) ? Math.min(bytes.length, 24) - 1 : bytes.length - 1);
}

function partOf(bytes: Buffer, chance: Chance): [from: number, to: number] {
  const from = chance.between(0, bytes.length);
  return [from, chance.between(from, chance.oneIn(2) ? Math.min(bytes.length, from + 16) : bytes.length)];
}
