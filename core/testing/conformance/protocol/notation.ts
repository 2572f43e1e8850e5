/** The words in which the table is written. `README.md` has them on one page. */
import { Base64, IntText, NamedText, Unordered } from './compare.js';
import type { Method } from './methods.js';
import {
  type Call,
  type Expected,
  type Failure,
  type Fields,
  type HttpCall,
  type HttpOutcome,
  type Int,
  Matcher,
  type Outcome,
  type Rule,
  type ServerName,
  type Step,
  type Topic,
} from './rule.js';

// --- Cases --------------------------------------------------------------------------------------------------------

/** One case. */
export function rule(name: string, ...steps: readonly (Step | readonly Step[])[]): Rule {
  return { name, steps: steps.flat(), on: 'shared', waits: false };
}

/** @throws if two cases have one name */
export function topic(service: string, ...rules: readonly (Rule | readonly Rule[])[]): Topic {
  const all = rules.flat();
  const names = new Set<string>();
  for (const { name } of all) {
    if (names.has(name)) throw new Error(`two cases of ${service} have the name "${name}"`);
    names.add(name);
  }
  return { service, rules: all };
}

/** The same cases on a server of their own kind, one after the other. */
export function on(server: ServerName, ...rules: readonly (Rule | readonly Rule[])[]): Rule[] {
  return rules.flat().map((each) => ({ ...each, on: server }));
}

/** A case that waits for a clock. */
export function waiting(each: Rule): Rule {
  return { ...each, waits: true };
}

/** Cases of what etcd has since a version, and not before. */
export function introduced(version: string, ...rules: readonly (Rule | readonly Rule[])[]): Rule[] {
  return rules.flat().map((each) => ({ ...each, since: version }));
}

/** Cases that hold only where there is one member, or several. */
export function where(members: 'one' | 'several', ...rules: readonly (Rule | readonly Rule[])[]): Rule[] {
  return rules.flat().map((each) => ({ ...each, members }));
}

// --- Expectations -------------------------------------------------------------------------------------------------

/** An answer whose header tells this revision. */
export function at(revision: Int, message?: Fields | Matcher): Outcome {
  return { kind: 'answer', revision, message: message ?? {} };
}

/** An answer whose header may tell any revision. */
export function gives(message: Fields | Matcher): Outcome {
  return { kind: 'answer', message };
}

/** An answer without a header. */
export function bare(message: Fields | Matcher = {}): Outcome {
  return { kind: 'answer', message, hasNoHeader: true };
}

/** A status that is not OK, such as `INVALID_ARGUMENT`, and its text. */
export function fails(code: string, text: string | Matcher): Failure {
  return { kind: 'failure', code, text };
}

/**
 * What newer versions of etcd answer, and so do we; and what older ones do.
 *
 * @param version - the first such one; of several branches `3.4.38 3.5.24 3.6.6`
 */
export function since<T>(version: string, newer: Expected<T>, { before }: { before: Expected<T> }): Expected<T> {
  return { kind: 'since', version, newer, older: before };
}

/** Where we differ from every etcd. `slug` is the anchor of its section in `docs/etcd-differences.md`. */
export function onPurpose<T>(slug: string, answers: { etcd: Expected<T>; conclave: Expected<T> }): Expected<T> {
  return { kind: 'on purpose', slug, ...answers };
}

/** Anything at all, as long as it is there. */
export const anything = new Matcher('anything', (value) => value !== undefined);
/** A number above zero. */
export const positive = new Matcher('a number above 0', (value) => isNumber(value) && value > 0);

/** A number from one to another. */
export function between(low: number, high: number): Matcher {
  return new Matcher(`a number from ${low} to ${high}`, (value) => isNumber(value) && value >= low && value <= high);
}

/** A text that the pattern describes. */
export function like(pattern: RegExp): Matcher {
  return new Matcher(`like ${pattern}`, (value) => typeof value === 'string' && pattern.test(value));
}

/** A message that has these fields, and may have others. */
export function including(fields: Fields): Matcher {
  const isAsTold = (message: Fields, field: string) => {
    const told = fields[field];
    return told instanceof Matcher ? told.accepts(message[field]) : String(told) === String(message[field]);
  };
  const meaning = `including ${JSON.stringify(fields)}`;
  return new Matcher(meaning, (message) => Object.keys(fields).every((field) => isAsTold(message as Fields, field)));
}

/** Texts in any order. */
export function unordered(...texts: readonly string[]): Unordered {
  return new Unordered(texts);
}

/** A text that nobody knows beforehand, such as a token; `{@name}` stands for it from then on. */
export function named(name: string): NamedText {
  return new NamedText(name);
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

// --- Requests -----------------------------------------------------------------------------------------------------

/** Any method. */
export function call(
  method: Method,
  request: Fields,
  expects?: Expected<Outcome>,
  headers: Readonly<Record<string, string>> = {},
): Call {
  return { do: 'call', method, request, headers, expects };
}

type Request = (request: Fields, expects?: Expected<Outcome>, headers?: Readonly<Record<string, string>>) => Call;

const method =
  (name: Method): Request =>
  (request, expects, headers) =>
    call(name, request, expects, headers);

export const range = method('KV/Range');
export const put = method('KV/Put');
export const deleteRange = method('KV/DeleteRange');
export const txn = method('KV/Txn');
export const compact = method('KV/Compact');
export const leaseGrant = method('Lease/LeaseGrant');
export const leaseRevoke = method('Lease/LeaseRevoke');
export const leaseTimeToLive = method('Lease/LeaseTimeToLive');
export const leaseLeases = method('Lease/LeaseLeases');

/** Puts `key=value` for each; they must succeed. */
export function puts(...pairs: readonly string[]): Call[] {
  return pairs.map((pair) => {
    const [key, value] = pair.split('=') as [string, string];
    return put({ key, value });
  });
}

/** Repeats a call until it is answered as expected. */
export function eventually(repeated: Call | HttpCall): Step {
  return { do: 'eventually', call: repeated };
}

/** Begins a call that will be answered later. */
export function begin(name: string, later: Call): Step {
  return { do: 'begin', name, call: later };
}

/** The answer to what began. */
export function finish(name: string, expects?: Expected<Outcome>): Step {
  return { do: 'finish', name, expects };
}

// --- What answers are made of -------------------------------------------------------------------------------------

/** All the keys of the case. */
export const ALL = { key: '~', rangeEnd: '^' } as const;
/** The largest number of 64 bits, and the smallest. */
export const INT64_MAX = 2n ** 63n - 1n;
export const INT64_MIN = -(2n ** 63n);

/** A key with its value, as a message. */
export interface KeyValueFields extends Fields {
  readonly key: string;
  readonly value?: string;
}

/**
 * A key with its value.
 *
 * @param revisions - where it was created and last changed, and its version: `'r+1'` is short for `['r+1', 'r+1', 1]`
 */
export function kv(
  key: string,
  value: string,
  revisions: Int | readonly [Int, Int, number],
  more: Fields = {},
): KeyValueFields {
  const [createRevision, modRevision, version] = Array.isArray(revisions)
    ? (revisions as [Int, Int, number])
    : [revisions as Int, revisions as Int, 1];
  return { key, createRevision, modRevision, version, ...(value !== '' && { value }), ...more };
}

/** Operations of a transaction. */
export const op = {
  range: (request: Fields): Fields => ({ requestRange: request }),
  put: (request: Fields): Fields => ({ requestPut: request }),
  delete: (request: Fields): Fields => ({ requestDeleteRange: request }),
  txn: (request: Fields): Fields => ({ requestTxn: request }),
};

/** Their answers: the header within has a revision and nothing else. */
export const did = {
  range: (revision: Int, message: Fields = {}): Fields => ({ responseRange: { header: { revision }, ...message } }),
  put: (revision: Int, message: Fields = {}): Fields => ({ responsePut: { header: { revision }, ...message } }),
  delete: (revision: Int, message: Fields = {}): Fields => ({
    responseDeleteRange: { header: { revision }, ...message },
  }),
  txn: (message: Fields): Fields => ({ responseTxn: message }),
};

// --- Streams ------------------------------------------------------------------------------------------------------

/** What can be done with a stream. */
export interface StreamWords {
  open(request?: Fields, headers?: Readonly<Record<string, string>>): Step;
  send(request: Fields): Step;
  receive(expects: Expected<Outcome>): Step;
  /** Events, in however many messages they come. */
  events(...events: readonly Fields[]): Step;
  /** Says that no more requests come. */
  end(): Step;
  cancel(): Step;
}

/** A stream, which the first request opens if nothing else does. @param to - a method, or a line of HTTP */
export function stream(to: Method | `POST /${string}`, name: string = to): StreamWords {
  return {
    open: (request, headers = {}) => ({ do: 'open', stream: name, method: to, request, headers }),
    send: (request) => ({ do: 'send', stream: name, request }),
    receive: (expects) => ({ do: 'receive', stream: name, expects }),
    events: (...events) => ({ do: 'events', stream: name, events }),
    end: () => ({ do: 'end', stream: name }),
    cancel: () => ({ do: 'cancel', stream: name }),
  };
}

/** A stream that has ended well. */
export const ENDED = fails('OK', '');

/** The event of a put. */
export function wasPut(pair: Fields, previous?: Fields): Fields {
  return { kv: pair, ...(previous && { prevKv: previous }) };
}

/** The event of a deletion. */
export function wasDeleted(key: string, modRevision: Int, previous?: Fields): Fields {
  return { type: 'DELETE', kv: { key, modRevision }, ...(previous && { prevKv: previous }) };
}

// --- HTTP ---------------------------------------------------------------------------------------------------------

/** A request of HTTP. @param line - such as `POST /v3/kv/range` */
export function http(
  line: string,
  body: Fields | string | undefined,
  expects?: Expected<HttpOutcome>,
  headers: Readonly<Record<string, string>> = {},
): HttpCall {
  return { do: 'http', line, body, headers, expects };
}

/** An answer of HTTP: JSON if `body` is an object, else text. */
export function answers(status: number, body?: Fields | string | Matcher, revision?: Int): HttpOutcome {
  return { kind: 'http', status, body, revision };
}

/** The same answer of HTTP, with these headers. Their names are in small letters. */
export function withHeaders(outcome: HttpOutcome, headers: Readonly<Record<string, string | Matcher>>): HttpOutcome {
  return { ...outcome, headers };
}

/** Bytes in JSON. */
export function b(text: string): Base64 {
  return new Base64(text);
}

/** A number of 64 bits in JSON, where it is a text. */
export function n(int: Int): IntText {
  return new IntText(int);
}

/** A JSON object that has these fields, whatever is in them. */
export function jsonWith(...fields: readonly string[]): Matcher {
  return new Matcher(
    `JSON with ${fields.join(', ')}`,
    (json) => typeof json === 'object' && json !== null && fields.every((field) => field in json),
  );
}
