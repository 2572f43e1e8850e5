import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { LogEvent, Operation } from './operation.js';

const CHUNK_BYTES = 1 << 20;
const LINE_BYTES_MAX = 64 << 20;
const NEWLINE = 0x0a;
const OUTCOMES = new Set<unknown>(['ok', 'fail', 'unknown']);

/** A history in a file. Both halves may be gone through more than once, each time from the file, a piece at a time. */
export interface RecordedHistory {
  readonly operations: Iterable<Operation>;
  readonly log: Iterable<LogEvent>;
}

/** A history from a file of JSON lines, or of one JSON array, which is then read as a whole. */
export function readHistory(path: string): RecordedHistory {
  return {
    operations: {
      *[Symbol.iterator]() {
        for (const line of entriesOf(path)) if ('op' in line) yield line;
      },
    },
    log: {
      *[Symbol.iterator]() {
        for (const line of entriesOf(path)) if ('event' in line) yield line;
      },
    },
  };
}

/** The entries of a text in the same format. */
export function parseHistory(text: string): RecordedHistory {
  const entries = text.trimStart().startsWith('[')
    ? (JSON.parse(text) as unknown[]).map((entry, at) => checked(entry, at + 1))
    : text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [parseLine(line, at + 1)]));
  return {
    operations: entries.filter((entry) => 'op' in entry),
    log: entries.filter((entry) => 'event' in entry),
  };
}

function* entriesOf(path: string): Generator<Operation | LogEvent> {
  if (startsArray(path)) {
    const { operations, log } = parseHistory(readFileSync(path, 'utf8'));
    yield* operations;
    yield* log;
    return;
  }
  let number = 0;
  for (const line of linesOf(path)) {
    number += 1;
    if (line.trim() !== '') yield parseLine(line, number);
  }
}

function startsArray(path: string): boolean {
  for (const line of linesOf(path)) if (line.trim() !== '') return line.trimStart().startsWith('[');
  return false;
}

/** Line by line, with no more than a line and a chunk in memory. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = Buffer.alloc(0);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
        yield bytes.toString('utf8', start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (rest.length > LINE_BYTES_MAX) throw new Error(`a line of ${path} is longer than ${LINE_BYTES_MAX} bytes`);
    }
    if (rest.length > 0) yield rest.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function parseLine(line: string, number: number): Operation | LogEvent {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch (error) {
    throw new Error(`line ${number} is not JSON: ${line.slice(0, 80)}`, { cause: error });
  }
  return checked(entry, number);
}

/** Looks at what every checker relies on; the rest concerns the model. */
function checked(entry: unknown, number: number): Operation | LogEvent {
  const { op, event, call, outcome, revision, ...rest } = (entry ?? {}) as Record<string, unknown>;
  const isEvent = (event === 'put' || event === 'delete') && Number.isSafeInteger(revision);
  if (isEvent) return entry as LogEvent;
  const { return: returned } = rest;
  const isOperation =
    typeof op === 'string' &&
    Number.isFinite(call) &&
    OUTCOMES.has(outcome) &&
    (returned === undefined ? outcome !== 'ok' : Number.isFinite(returned) && Number(returned) >= Number(call));
  if (!isOperation) throw new Error(`entry ${number} is no operation or event: ${JSON.stringify(entry).slice(0, 120)}`);
  return entry as Operation;
}
