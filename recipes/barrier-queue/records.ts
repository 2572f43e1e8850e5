/** What the keys of a queue hold, as JSON. */
import { toText } from '../../core/base/bytes.js';
import { type By, parseObject, toJson } from '../metadata.js';
import type { Gate } from './layout.js';

/** How often an item was handed out, and why it was last given back. */
export interface Attempts {
  readonly attempt: number;
  readonly reason?: string | undefined;
}

export interface DeadRecord {
  readonly item: unknown;
  readonly attempts: number;
  readonly reason: string;
  /** Wall time, for people. */
  readonly since: string;
}

/** The value of the gate key. The time and the process are for people to read. */
export function writeGate(gate: Omit<Gate, 'modRevision'>, writer: By): Uint8Array {
  return toJson({ ...gate, ...writer }, 'gate');
}

/** @param putId - by which a put knows its own item again */
export function writeItem(item: unknown, putId: string, writer: By): Uint8Array {
  return toJson({ item, putId, ...writer }, 'item');
}

export function parsePutId(value: Uint8Array): unknown {
  return parseObject(value)?.['putId'];
}

/** The item in the value of its key; `undefined` (which JSON cannot hold) if nobody's `put` wrote it. */
export function parseItem(value: Uint8Array): unknown {
  return parseObject(value)?.['item'];
}

export function writeAttempts(attempts: Attempts): Uint8Array {
  return toJson(attempts, 'attempts');
}

/** `undefined` if no consumer wrote it. */
export function parseAttempts(value: Uint8Array): Attempts | undefined {
  const { attempt, reason } = parseObject(value) ?? {};
  if (!isCount(attempt)) return undefined;
  return { attempt, ...(typeof reason === 'string' && { reason }) };
}

/** @param itemValue - the value of the item's key, which is kept as it is if it cannot be read */
export function writeDead(itemValue: Uint8Array, attempts: number, reason: string, { since }: By): Uint8Array {
  const parsed = parseItem(itemValue);
  const item = parsed === undefined ? toText(itemValue) : parsed;
  return toJson({ item, attempts, reason, since } satisfies DeadRecord, 'item');
}

/** `undefined` if no queue wrote it. */
export function parseDead(value: Uint8Array): DeadRecord | undefined {
  const { item, attempts, reason, since } = parseObject(value) ?? {};
  const isOurs = item !== undefined && isCount(attempts) && typeof reason === 'string' && typeof since === 'string';
  return isOurs ? { item, attempts, reason, since } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The value of a leased key whose end is all that matters. */
export function writeTimer(durationMs: number, writer: By): Uint8Array {
  return toJson({ durationMs, ...writer }, 'timer');
}
