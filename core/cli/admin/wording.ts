/** How etcdctl writes things; scripts read it. */
import { InvalidArgumentError } from '../../base/errors.js';

/** A member's or cluster's id. */
export function hex(id: bigint): string {
  return id.toString(16);
}

/** The same where etcdctl pads it. */
export function paddedHex(id: bigint): string {
  return hex(id).padStart(16);
}

/** @throws {@link InvalidArgumentError} if it is no id as {@link hex} writes it */
export function parseId(text: string): bigint {
  if (/^(?:0x)?[0-9a-f]{1,16}$/i.test(text)) return BigInt(`0x${text.replace(/^0x/i, '')}`);
  throw new InvalidArgumentError('id', text, 'the id of a member in hexadecimal digits, as `member list` shows it');
}

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const SIZE_BASE = 1_000;

/** Bytes in words: `25 kB`, `1.5 MB`. */
export function humanBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(SIZE_BASE)), SIZE_UNITS.length - 1);
  const value = Math.floor((bytes / SIZE_BASE ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : halfToEven(value)} ${SIZE_UNITS[power]}`;
}

/** As Go rounds what it prints: 20.5 is 20. */
function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

/** A table as etcdctl draws it. */
export function drawTable(head: readonly string[], row: readonly (string | number)[]): string {
  const cells = row.map(String);
  const widths = head.map((title, column) => Math.max(title.length, (cells[column] as string).length));
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const titles = head.map((title, column) => ` ${centred(title, widths[column] as number)} `);
  const values = cells.map((cell, column) => ` ${cell.padStart(widths[column] as number)} `);
  return [rule, `|${titles.join('|')}|`, rule, `|${values.join('|')}|`, rule].join('\n');
}

function centred(text: string, width: number): string {
  const before = Math.floor((width - text.length) / 2);
  return `${' '.repeat(before)}${text}`.padEnd(width);
}
