import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceError } from '@grpc/grpc-js';
import { expect } from '@jest/globals';
import { Base64, IntText, shownAs } from './compare.js';
import { within } from './deadline.js';
import { toFields, toMessage } from './messages.js';
import { methodNamed } from './methods.js';
import { type Arrival, GrpcStream, HttpStream, type OpenStream, toFailure } from './open-stream.js';
import type {
  Call,
  Expected,
  Failure,
  Fields,
  HttpCall,
  HttpOutcome,
  Outcome,
  Rule,
  ServerName,
  Step,
} from './rule.js';
import type { ServerUnderTest } from './server-under-test.js';
import { World } from './world.js';

const ANSWER_MS = 12_000;
const EVENTUALLY_MS = 18_000;
const POLL_MS = 30;
/** Servers whose cases add users. */
const HAVE_USERS: ReadonlySet<ServerName> = new Set(['auth', 'jwt']);
/** Ids are larger; nothing else that has a name is. */
const SMALLEST_ID = 2n ** 40n;

/** What is compared: both sides in the words of the table. */
interface Comparison {
  readonly expected: unknown;
  readonly arrived: unknown;
}

/** Runs one case, and removes what it left. @throws if something was not as the case says, with both side by side */
export async function runRule(rule: Rule, server: ServerUnderTest): Promise<void> {
  const run = new Run(server, rule.on);
  await run.begin();
  try {
    for (const [at, step] of rule.steps.entries()) await run.take(step, at + 1);
  } finally {
    await run.end();
  }
}

class Run {
  readonly #server: ServerUnderTest;
  readonly #world = new World();
  readonly #streams = new Map<string, OpenStream>();
  readonly #begun = new Map<string, Promise<Arrival>>();
  readonly #on: ServerName;
  #where = '';

  constructor(server: ServerUnderTest, on: ServerName) {
    this.#server = server;
    this.#on = on;
  }

  async begin(): Promise<void> {
    if (this.#on !== 'minority') this.#world.revision = await this.#server.revision();
  }

  /** Nothing that a case leaves may count in another. */
  async end(): Promise<void> {
    for (const stream of this.#streams.values()) stream.cancel();
    if (this.#on === 'minority') return;
    const { prefix, end, named } = this.#world;
    const ids = [...named].filter((id) => id > SMALLEST_ID || id < 0n);
    if (HAVE_USERS.has(this.#on)) await this.#server.forgetUsers();
    if (this.#on === 'quota') await this.#server.putOffAlarms();
    await this.#server.clear({ prefix, end, leases: ids });
  }

  async take(step: Step, number: number): Promise<void> {
    this.#where = `step ${number}: ${step.do}`;
    switch (step.do) {
      case 'call':
        this.#where = `step ${number}: ${step.method} ${written(step.request)}`;
        return this.#judge(await this.#compareCall(step));
      case 'http':
        this.#where = `step ${number}: ${step.line} ${written(step.body)}`;
        return this.#judge(await this.#compareHttp(step));
      case 'eventually':
        return this.#eventually(step.call);
      case 'begin':
        this.#begun.set(step.name, this.#call(step.call));
        return;
      case 'finish':
        return this.#judge(this.#compare(step.expects, await this.#finished(step.name)));
      case 'open':
        return this.#open(step);
      case 'send':
        return this.#send(step.stream, step.request);
      case 'receive':
        this.#where = `step ${number}: what ${step.stream} brings`;
        return this.#judge(this.#compare(step.expects, await this.#stream(step.stream).next()));
      case 'events':
        this.#where = `step ${number}: the events of ${step.stream}`;
        return this.#judge(await this.#compareEvents(step.stream, step.events));
      case 'end':
        return this.#stream(step.stream).end();
      case 'cancel':
        return this.#stream(step.stream).cancel();
    }
  }

  #judge({ arrived, expected }: Comparison): void {
    if (isDeepStrictEqual(arrived, expected)) return;
    expect({ [this.#where]: arrived }).toEqual({ [this.#where]: expected });
  }

  async #eventually(call: Call | HttpCall): Promise<void> {
    const deadlineMs = performance.now() + EVENTUALLY_MS;
    for (;;) {
      const comparison = await (call.do === 'call' ? this.#compareCall(call) : this.#compareHttp(call));
      if (isDeepStrictEqual(comparison.arrived, comparison.expected)) return;
      if (performance.now() > deadlineMs) return this.#judge(comparison);
      await delay(POLL_MS);
    }
  }

  // --- Calls --------------------------------------------------------------------------------------------------------

  async #compareCall(call: Call): Promise<Comparison> {
    return this.#compare(call.expects, await within(ANSWER_MS, `the answer to ${call.method}`, this.#call(call)));
  }

  async #call({ method, request, headers }: Call): Promise<Arrival> {
    const definition = methodNamed(method);
    const message = toMessage(definition.requestDeserialize(Buffer.alloc(0)), request, this.#world);
    try {
      return { message: await this.#server.client.unary(definition, message, this.#headers(headers)) };
    } catch (error) {
      return { end: toFailure(error as ServiceError) };
    }
  }

  #finished(name: string): Promise<Arrival> {
    const begun = this.#begun.get(name);
    if (!begun) throw new Error(`${name} has not begun`);
    return within(ANSWER_MS, `the answer to ${name}`, begun);
  }

  #headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, this.#world.text(value)]));
  }

  // --- Streams ------------------------------------------------------------------------------------------------------

  #stream(name: string): OpenStream {
    const stream = this.#streams.get(name);
    if (!stream) throw new Error(`${name} is not open`);
    return stream;
  }

  #open({ stream, method, request = {}, headers }: Extract<Step, { do: 'open' }>): void {
    const sent = this.#headers(headers);
    if (method.includes(' ')) {
      const path = method.slice(method.indexOf(' ') + 1);
      const body = JSON.stringify(toJson(request, this.#world));
      this.#streams.set(stream, new HttpStream(`${this.#server.url}${path}`, body, sent));
      return;
    }
    const definition = methodNamed(method);
    const message = () => toMessage(definition.requestDeserialize(Buffer.alloc(0)), request, this.#world);
    const raw = definition.requestStream
      ? this.#server.client.stream(definition, sent)
      : this.#server.client.download(definition, message(), sent);
    this.#streams.set(stream, new GrpcStream(raw));
  }

  #send(name: string, request: Fields): void {
    const method = name.split(' ')[0] as string;
    if (!this.#streams.has(name)) this.#open({ do: 'open', stream: name, method, headers: {} });
    const definition = methodNamed(method);
    this.#stream(name).send(toMessage(definition.requestDeserialize(Buffer.alloc(0)), request, this.#world));
  }

  async #compareEvents(name: string, expected: readonly Fields[]): Promise<Comparison> {
    const arrived: unknown[] = [];
    while (arrived.length < expected.length) {
      const arrival = await this.#stream(name).next();
      const { events } = 'message' in arrival ? (toFields(arrival.message) as { events?: unknown[] }) : {};
      if (!events) return { expected, arrived: [...arrived, this.#compare(undefined, arrival).arrived] };
      arrived.push(...events);
    }
    return { expected, arrived: shownAs(expected, arrived, this.#world) };
  }

  // --- HTTP ---------------------------------------------------------------------------------------------------------

  async #compareHttp({ line, body, headers, expects }: HttpCall): Promise<Comparison> {
    const [method, path] = line.split(' ') as [string, string];
    const sent = typeof body === 'string' || body === undefined ? body : JSON.stringify(toJson(body, this.#world));
    const request = fetch(`${this.#server.url}${path}`, {
      method,
      headers: this.#headers(headers),
      ...(sent !== undefined && { body: sent }),
    });
    const answer = await within(ANSWER_MS, `the answer to ${line}`, request);
    const text = await answer.text();
    const outcome: HttpOutcome = expects ? this.#server.pick(expects) : { kind: 'http', status: 200 };
    const { expected, arrived } = this.#compareHttpAnswer(outcome, answer.status, text);
    if (outcome.headers === undefined) return { expected, arrived };
    const told = Object.fromEntries(
      Object.keys(outcome.headers).map((name) => [name, answer.headers.get(name) ?? undefined]),
    );
    const shown = shownAs(outcome.headers, told, this.#world);
    return { expected: { answer: expected, headers: outcome.headers }, arrived: { answer: arrived, headers: shown } };
  }

  #compareHttpAnswer({ status, body, revision }: HttpOutcome, arrivedStatus: number, text: string): Comparison {
    const json = typeof body === 'object' ? parsed(text) : text;
    const [header, rest] = splitHeader(json, body);
    const told = header && BigInt((header as { revision?: string }).revision ?? 0);
    return {
      expected: {
        status,
        ...(body !== undefined && { body }),
        ...(revision !== undefined && { revision }),
      },
      arrived: {
        status: arrivedStatus,
        ...((body !== undefined || status !== arrivedStatus) && { body: shownAs(body, rest, this.#world) }),
        ...(revision !== undefined && { revision: shownAs(revision, told, this.#world) }),
      },
    };
  }

  // --- Comparing ----------------------------------------------------------------------------------------------------

  #compare(expects: Expected<Outcome> | undefined, arrival: Arrival): Comparison {
    const outcome = expects && this.#server.pick(expects);
    if ('end' in arrival) return this.#compareFailure(outcome, arrival.end);
    if (outcome === undefined) return { expected: 'success', arrived: 'success' };
    if (outcome.kind === 'failure') {
      const { header, ...message } = toFields(arrival.message);
      return { expected: failure(outcome), arrived: shownAs(undefined, { message, header }, this.#world) };
    }
    return this.#compareAnswer(outcome, arrival.isJson ? ofJson(arrival.message) : toFields(arrival.message));
  }

  #compareFailure(outcome: Outcome | undefined, arrived: Failure): Comparison {
    const wanted = outcome?.kind === 'failure' ? failure(outcome) : (outcome ?? 'success');
    return { expected: wanted, arrived: shownAs(wanted, failure(arrived), this.#world) };
  }

  #compareAnswer(outcome: Extract<Outcome, { kind: 'answer' }>, arrived: Record<string, unknown>): Comparison {
    const { header, ...message } = arrived;
    const { revision, message: expected, hasNoHeader } = outcome;
    const shownMessage = shownAs(expected, message, this.#world);
    const told = BigInt((header as { revision?: bigint | number | string } | undefined)?.revision ?? 0);
    return {
      expected: {
        header: hasNoHeader ? 'none' : 'complete',
        ...(expected && { message: expected }),
        ...(revision !== undefined && { revision }),
      },
      arrived: {
        header: this.#server.judgeHeader(header as Fields | undefined),
        ...(expected && { message: shownMessage }),
        ...(revision !== undefined && { revision: shownAs(revision, told, this.#world) }),
      },
    };
  }
}

function failure({ code, text }: Failure) {
  return { code, text };
}

function written(request: unknown): string {
  const text =
    JSON.stringify(request, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)) ?? '';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

// --- JSON of the gateway --------------------------------------------------------------------------------------------

/** What `Base64`, `IntText` and `~` stand for. */
function toJson(value: unknown, world: World): unknown {
  if (value instanceof Base64) return Buffer.from(world.text(value.text), 'latin1').toString('base64');
  if (value instanceof IntText) return String(world.int(value.int));
  if (typeof value === 'string') return world.text(value);
  if (Array.isArray(value)) return value.map((each) => toJson(each, world));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each, world)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The header is compared by itself, unless the case spells it out. */
function splitHeader(json: unknown, expected: unknown): [unknown, unknown] {
  const isSplit = isObject(json) && 'header' in json && !(isObject(expected) && 'header' in expected);
  if (!isSplit) return [undefined, json];
  const { header, ...rest } = json;
  return [header, rest];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Streams of the gateway wrap each message. */
function ofJson(message: object): Record<string, unknown> {
  const { result } = message as { result?: Record<string, unknown> };
  return result ?? { ...message };
}
