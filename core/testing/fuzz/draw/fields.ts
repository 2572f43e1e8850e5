/** Messages of any kind, made from their descriptions: what is missing, too large, of another kind or said twice. */
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Chance } from '../chance.js';
import { drawText } from './texts.js';
import { drawWire } from './wire.js';

/** What a field is given. */
export type FieldValue = bigint | boolean | string | Buffer | readonly GivenField[];

/** One field of a message, as often as it is said. */
export interface GivenField {
  readonly field: DescField;
  readonly value: FieldValue;
}

const DEPTH_MAX = 6;
/** More operations than a transaction may have, or texts than anybody needs. */
const MANY = 140;

/** 64 bits at their edges, and small numbers such as revisions, ids of watches and leases are. */
export function edge(chance: Chance): bigint {
  if (chance.oneIn(2)) return BigInt(chance.between(-2, 12));
  return chance.pick([2n ** 31n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 53n)]);
}

/** Fields of a message: some missing, some twice, of a oneof perhaps several. */
export function drawFields(message: DescMessage, chance: Chance, depth = 0): readonly GivenField[] {
  return message.fields.flatMap((field) => {
    if (depth >= DEPTH_MAX && field.message !== undefined) return [];
    return Array.from({ length: timesOf(field, chance) }, () => ({ field, value: drawValue(field, chance, depth) }));
  });
}

function timesOf(field: DescField, chance: Chance): number {
  if (field.fieldKind !== 'list') return chance.oneIn(field.oneof ? 2 : 3) ? 0 : chance.oneIn(16) ? 2 : 1;
  return chance.oneIn(200) ? MANY : chance.oneIn(3) ? 0 : chance.between(1, 3);
}

function drawValue(field: DescField, chance: Chance, depth: number): FieldValue {
  if (field.message !== undefined) return drawFields(field.message, chance, depth + 1);
  if (field.enum !== undefined) return BigInt(chance.between(-1, field.enum.values.length + 1));
  switch (field.scalar) {
    case ScalarType.BOOL:
      return chance.oneIn(2);
    case ScalarType.STRING:
      return drawText(field.name, chance).toString('utf8');
    case ScalarType.BYTES:
      return drawText(field.name, chance);
    default:
      return edge(chance);
  }
}

/** The same on the wire; now and then with fields of kinds that they are not of, and others that nobody knows. */
export function toWire(fields: readonly GivenField[], chance: Chance): Buffer {
  const writer = new BinaryWriter();
  for (const { field, value } of fields) {
    if (chance.oneIn(60)) {
      writer.tag(field.number, WireType.LengthDelimited).bytes(chance.bytes());
    } else if (typeof value === 'bigint' || typeof value === 'boolean') {
      writer.tag(field.number, WireType.Varint).uint64(BigInt.asUintN(64, BigInt(value)));
    } else {
      writer.tag(field.number, WireType.LengthDelimited).bytes(bytesOf(value, chance));
    }
  }
  const known = Buffer.from(writer.finish());
  return chance.oneIn(40) ? Buffer.concat([known, drawWire(chance)]) : known;
}

function bytesOf(value: string | Buffer | readonly GivenField[], chance: Chance): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return typeof value === 'string' ? Buffer.from(value) : toWire(value, chance);
}

/** The same as JSON: by either name, several at once, and sometimes of another kind than the field. */
export function toJsonText(fields: readonly GivenField[], chance: Chance): string {
  const members = new Map<DescField, string[]>();
  for (const { field, value } of fields) {
    members.set(field, [...(members.get(field) ?? []), chance.oneIn(40) ? drawJson(chance) : jsonOf(value, chance)]);
  }
  const texts = [...members].flatMap(([field, values]) => {
    const name = () => JSON.stringify(chance.oneIn(2) ? field.name : field.jsonName);
    if (field.fieldKind === 'list') return [`${name()}:[${values.join(',')}]`];
    return values.map((value) => `${name()}:${value}`);
  });
  if (chance.oneIn(40)) texts.push(`"nobody_knows":${drawJson(chance)}`);
  return `{${texts.join(',')}}`;
}

function jsonOf(value: FieldValue, chance: Chance): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return chance.oneIn(2) ? String(value) : `"${value}"`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString(chance.oneIn(12) ? 'base64url' : 'base64'));
  return toJsonText(value, chance);
}

/** What may stand where anything may. */
function drawJson(chance: Chance): string {
  return chance.pick(['null', '[]', '{}', '-1', '1.5', '1e400', '"x"', '"%%%"', 'true', '"\\ud800"', '[[[1]]]', '']);
}
