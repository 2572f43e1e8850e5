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

/** A lease's id as etcdctl writes it, with all its digits. */
export function leaseHex(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0');
}

/** @throws {@link InvalidArgumentError} if it is no id as {@link leaseHex} writes it, with or without its zeros */
export function parseLeaseId(text: string): bigint {
  if (/^-?[0-9a-f]{1,16}$/i.test(text)) {
    const id = text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
    if (BigInt.asIntN(64, id) === id) return id;
  }
  throw new InvalidArgumentError('lease id', text, 'the id of a lease in hexadecimal digits, as `lease list` shows it');
}

const NANOSECONDS_PER_MS = 1_000_000;

/** A time as Go prints it: `52.5ms`, `1.5s`, `1m0.5s`. */
export function goDurationText(ms: number): string {
  const nanoseconds = Math.round(ms * NANOSECONDS_PER_MS);
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1_000) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000) return `${nanoseconds / 1_000}µs`;
  if (nanoseconds < 1_000_000_000) return `${nanoseconds / 1_000_000}ms`;
  const seconds = nanoseconds / 1_000_000_000;
  if (seconds < 60) return `${seconds}s`;
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)];
  const rest = `${minutes}m${Number((seconds % 60).toFixed(9))}s`;
  return hours === 0 ? rest : `${hours}h${rest}`;
}
