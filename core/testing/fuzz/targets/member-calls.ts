import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ServiceError, status } from '@grpc/grpc-js';
import type { Logger } from '../../../base/logger.js';
import { everything } from '../../../base/key-range.js';
import { RawClient, type RawStream } from '../../../rpc/testing/raw-client.js';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { connectGrpc } from '../../../client/grpc-store.js';
import type { Store } from '../../../store.js';
import { type Call, CALLS } from '../draw/calls.js';
import { type Part, packParts, unpackParts } from '../draw/packed.js';
import { Finding, type FuzzTarget } from '../target.js';

const ANSWER_MS_MAX = 10_000;
/** After so many inputs everything is deleted, so that what is legitimately kept stays small. */
const TIDY_EVERY = 50;
/** How much larger the heap may be at the end than after the first tidying. */
const GROWTH_BYTES_MAX = 24 * 1024 * 1024;
/** Statuses that say that the member, and not the request, has a problem. */
const SICK = new Set([status.INTERNAL, status.DATA_LOSS, status.DEADLINE_EXCEEDED]);
const SICK_TEXTS = /internal error|request timed out|server stopped/;

/** A member that listens, somebody who sends it anything, and somebody who uses it. */
class Scene {
  readonly raw: RawClient;
  readonly #running: RunningMember;
  readonly #store: Store;
  readonly #errors: string[];
  #count = 0;
  #baselineBytes: number | undefined;

  private constructor(running: RunningMember, store: Store, raw: RawClient, errors: string[]) {
    this.#running = running;
    this.#store = store;
    this.raw = raw;
    this.#errors = errors;
  }

  static async open(): Promise<Scene> {
    const errors: string[] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, text) => errors.push(textOf(fields, text)),
    };
    const running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', logger });
    const { hostname: host, port } = new URL(running.clientUrl as string);
    const address = { host, port: Number(port) };
    return new Scene(running, await connectGrpc([address]), new RawClient(address), errors);
  }

  /** @throws {@link Finding} if the member is not as it was */
  async check(): Promise<void> {
    const [error] = this.#errors.splice(0);
    if (error !== undefined) throw new Finding(`the member reported an error: ${error}`);
    const name = `check ${this.#count}`;
    const { revision } = await this.#store.put(name, name);
    const found = await this.#store.get(name);
    if (found?.modRevision !== revision) throw new Finding('what a client wrote is not what it reads');
    this.#count += 1;
    if (this.#count % TIDY_EVERY === 0) await this.#tidy();
  }

  async close(): Promise<void> {
    await this.#tidy();
    const growth = heapBytes() - (this.#baselineBytes ?? heapBytes());
    this.raw.close();
    await this.#store.close();
    await this.#running.close();
    if (growth > GROWTH_BYTES_MAX) throw new Finding(`the member has grown by ${growth} bytes`);
  }

  async #tidy(): Promise<void> {
    await this.#store.delete(everything());
    for (const id of await this.#store.leases()) await this.#store.lease(id).revoke();
    const { revision } = await this.#store.put('tidied', '');
    await this.#store.compact(revision);
    this.#baselineBytes ??= heapBytes();
  }
}

/** Streams that one input has opened: one of each kind, which all of its messages share. */
class Streams {
  readonly #raw: RawClient;
  readonly #open = new Map<string, RawStream<Buffer, Buffer>>();

  constructor(raw: RawClient) {
    this.#raw = raw;
  }

  send({ path }: Call, message: Buffer): void {
    const stream = this.#open.get(path) ?? this.#raw.stream<Buffer, Buffer>(methodOf(path)).drain();
    this.#open.set(path, stream);
    stream.send(message);
  }

  async end(): Promise<readonly (ServiceError | undefined)[]> {
    for (const stream of this.#open.values()) stream.end();
    return Promise.all([...this.#open.values()].map(({ ended }) => answered(ended)));
  }
}

let scene: Promise<Scene> | undefined;

/** Calls of a running member, whatever is asked of it: each is answered with a status, and others notice nothing. */
export const memberCalls: FuzzTarget = {
  name: 'member-calls',
  what: 'calls of a running member, of every method',
  asks: true,
  inputsPerSecond: 100,
  timeMsMax: ANSWER_MS_MAX,
  allocatedBytesMax: () => 64 * 1024 * 1024,
  draw: (chance) => {
    const parts = [0, ...chance.list(20, () => 0)].map(() => {
      const kind = chance.oneIn(4) ? CALLS.length - 1 : chance.between(0, CALLS.length - 1);
      return { kind, bytes: (CALLS[kind] as Call).draw(chance) };
    });
    return { input: packParts(parts) };
  },
  judge: async (input) => {
    const open = await (scene ??= Scene.open());
    const streams = new Streams(open.raw);
    const calls = unpackParts(input).map((part) => make(open.raw, streams, part));
    const ends = [...(await Promise.all(calls)), ...(await streams.end())];
    for (const end of ends) assertWell(end);
    await open.check();
    return ends.every((end) => end === undefined) ? 'read' : 'refused';
  },
  close: async () => {
    const open = await scene;
    scene = undefined;
    await open?.close();
  },
};

/** Makes one call. @returns the error that it was answered with, if it was */
function make(raw: RawClient, streams: Streams, { kind, bytes }: Part): Promise<ServiceError | undefined> {
  const call = CALLS[kind % CALLS.length] as Call;
  switch (call.carries) {
    case 'unary':
      return answered(raw.bytes(call.path, bytes).then(noError, (error: ServiceError) => error));
    case 'snapshot':
      return answered(raw.download<Buffer, Buffer>(methodOf(call.path), bytes).drain().ended);
    default:
      streams.send(call, bytes);
      return Promise.resolve(undefined);
  }
}

function methodOf(path: string): never {
  const same = (bytes: Buffer) => bytes;
  return { path, requestSerialize: same, responseDeserialize: same } as never;
}

function noError(): undefined {}

async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Finding(`no answer came within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
  });
  try {
    return await Promise.race([answer, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws {@link Finding} */
function assertWell(error: ServiceError | undefined): void {
  if (error === undefined) return;
  if (!SICK.has(error.code) && !SICK_TEXTS.test(error.details)) return;
  throw new Finding(`a call was answered with ${status[error.code]}: ${error.details}`, { cause: error });
}

function textOf(fields: object, text: string): string {
  const { error, err = error } = fields as { error?: unknown; err?: unknown };
  return `${text}: ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(fields)}`;
}

/** What is in use once nothing is left to be collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
