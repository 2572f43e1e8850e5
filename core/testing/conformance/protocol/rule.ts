/** What a case of the table is made of. It is data: `notation.ts` writes it, `run-rule.ts` runs it. */
import type { Method } from './methods.js';

/**
 * A number that is known only when the case runs: `r+1` counts from the revision at the case's start, `$lease` is a name.
 * In an answer, a name is bound to what arrives first, and must be the same from then on; in a request, a name that is not
 * yet bound is a number that no other case uses.
 */
export type Int = number | bigint | `r${'' | `${'+' | '-'}${number}`}` | `$${string}` | Matcher;

/** A message, with the fields that are not zero or empty, named as in `core/rpc/gen`. */
export type Fields = { readonly [field: string]: unknown };

/** Accepts values that no case can know beforehand. */
export class Matcher {
  constructor(
    readonly meaning: string,
    readonly accepts: (value: unknown) => boolean,
  ) {}

  toJSON(): string {
    return `(${this.meaning})`;
  }
}

/** What an answer, or the lack of one, must be like. */
export type Outcome =
  | {
      readonly kind: 'answer';
      /** Of the header; not looked at if undefined. */
      readonly revision?: Int | undefined;
      readonly message?: Fields | Matcher | undefined;
      /** Whether the answer has none of the header that every other one has. */
      readonly hasNoHeader?: boolean;
    }
  | Failure;

/** A status that is not OK; or the good end of a stream, whose code is `OK`. */
export interface Failure {
  readonly kind: 'failure';
  readonly code: string;
  readonly text: string | Matcher;
}

/** An answer to a request of HTTP. */
export interface HttpOutcome {
  readonly kind: 'http';
  readonly status: number;
  readonly revision?: Int | undefined;
  /** JSON, if an object; else the text. */
  readonly body?: Fields | string | Matcher | undefined;
  /** Those that are looked at, by their names in small letters. */
  readonly headers?: Readonly<Record<string, string | Matcher>>;
}

/** Something expected, the same everywhere or not. */
export type Expected<T> = T | Varied<T>;

/** What is not the same everywhere. */
export type Varied<T> =
  | { readonly kind: 'since'; readonly version: string; readonly newer: Expected<T>; readonly older: Expected<T> }
  | { readonly kind: 'on purpose'; readonly slug: string; readonly etcd: Expected<T>; readonly conclave: Expected<T> };

/** One request with one answer. */
export interface Call {
  readonly do: 'call';
  readonly method: Method;
  readonly request: Fields;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: it must succeed. */
  readonly expects?: Expected<Outcome> | undefined;
}

/** A request of HTTP. */
export interface HttpCall {
  readonly do: 'http';
  /** Such as `POST /v3/kv/range`. */
  readonly line: string;
  readonly body: Fields | string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly expects?: Expected<HttpOutcome> | undefined;
}

export type Step =
  | Call
  | HttpCall
  /** Until it is as expected, for some seconds. */
  | { readonly do: 'eventually'; readonly call: Call | HttpCall }
  /** Begins a call that is answered later. */
  | { readonly do: 'begin'; readonly name: string; readonly call: Call }
  | { readonly do: 'finish'; readonly name: string; readonly expects?: Expected<Outcome> | undefined }
  | {
      readonly do: 'open';
      readonly stream: string;
      /** A method, or a line of HTTP. */
      readonly method: string;
      /** Of a stream with one request, or of HTTP. */
      readonly request?: Fields | undefined;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly do: 'send'; readonly stream: string; readonly request: Fields }
  | { readonly do: 'receive'; readonly stream: string; readonly expects: Expected<Outcome> }
  /** Events, in however many messages they come. */
  | { readonly do: 'events'; readonly stream: string; readonly events: readonly Fields[] }
  | { readonly do: 'end' | 'cancel'; readonly stream: string };

/**
 * One of the servers that a target has; the cases on one of them run in the order of the table. `members` and `quota`
 * are such that may have others; the rest need not be, and may keep everything in memory. `jwt` signs its tokens.
 * `minority` is one of three whose others are gone: nothing is cleared away there.
 */
export type ServerName = 'shared' | 'fresh' | 'members' | 'auth' | 'jwt' | 'quota' | 'minority';

/** One case: a name that is a sentence, and what must happen. */
export interface Rule {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Default: `shared`. */
  readonly on: ServerName;
  /** It waits for a clock, and runs beside others that do: `r+1` means nothing in it, names do. */
  readonly waits: boolean;
  /** The first version of etcd that has this at all. */
  readonly since?: string | undefined;
  /** Only where there is one member, or only where there are several. */
  readonly members?: 'one' | 'several' | undefined;
}

/** The cases of one service. */
export interface Topic {
  readonly service: string;
  readonly rules: readonly Rule[];
}
