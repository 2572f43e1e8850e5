import { type ServiceError, status } from '@grpc/grpc-js';
import { WatchService } from '../../../rpc/gen/watch.js';
import type { RawClient, RawStream } from '../../../rpc/testing/raw-client.js';
import { type Call, CALLS } from '../draw/calls.js';
import { type Part, packParts, unpackParts } from '../draw/packed.js';
import { MemberScene } from '../member-scene.js';
import { Finding, type FuzzTarget } from '../target.js';

const ANSWER_MS_MAX = 10_000;
/** Statuses that say that the member, and not the request, has a problem. */
const SICK = new Set([status.INTERNAL, status.DATA_LOSS, status.DEADLINE_EXCEEDED]);
const SICK_TEXTS = /internal error|request timed out|server stopped/;

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
    for (const [path, stream] of this.#open) {
      stream.end();
      // As long as something is watched, it goes on when nothing more is asked.
      if (path === WatchService.watch.path) stream.cancel();
    }
    return Promise.all([...this.#open.values()].map(({ ended }) => answered(ended)));
  }
}

let scene: Promise<MemberScene> | undefined;

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
    const open = await (scene ??= MemberScene.open());
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
