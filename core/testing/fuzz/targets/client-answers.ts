import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { CoordinationError } from '../../../base/errors.js';
import { prefix } from '../../../base/key-range.js';
import { connectGrpc } from '../../../client/grpc-store.js';
import { KVService, RangeResponse } from '../../../rpc/gen/kv.js';
import { LeaseService } from '../../../rpc/gen/lease.js';
import { WatchResponse, WatchService } from '../../../rpc/gen/watch.js';
import type { Store } from '../../../store.js';
import { get, put } from '../../../txn.js';
import type { Chance } from '../chance.js';
import { assertRefusal } from '../codec-target.js';
import { packParts, type Part, unpackParts } from '../draw/packed.js';
import { Finding, type FuzzTarget } from '../target.js';
import { drawMessage } from './rpc-messages.js';

const END_MS_MAX = 5_000;
/** How long whatever a watch delivers is read. */
const WATCH_MS = 20;
/** Everything short, so that what stays unanswered is given up soon. */
const PATIENCE = {
  ...{ requestTimeoutMs: 150, retryTimeoutMs: 200, retriesMax: 1, backoffMs: 1, backoffMaxMs: 2, suspectMs: 50 },
  ...{ dialTimeoutMs: 2_000, watchAckTimeoutMs: 100, watchIdleMs: 500, secondOpinionMs: 20 },
};
const HEALTHY = RangeResponse.encode({
  header: { clusterId: 1n, memberId: 1n, revision: 1, raftTerm: 1 },
  ...{ kvs: [], more: false, count: 0 },
}).finish();

/** A method, as far as its answers go. */
interface Method {
  readonly path: string;
  readonly responseSerialize: (message: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** Something that a store does, and the call by which it asks a server for it. */
interface Act {
  readonly method: Method;
  readonly run: (store: Store) => Promise<unknown>;
}

const ACTS: readonly Act[] = [
  { method: KVService.range, run: (store) => store.range(prefix('a')) },
  { method: KVService.put, run: (store) => store.put('a', 'b', { previous: true }) },
  { method: KVService.deleteRange, run: (store) => store.delete(prefix('a'), { previous: true }) },
  { method: KVService.txn, run: (store) => store.txn().do(put('a', '1'), get('a')).commit() },
  { method: KVService.compact, run: (store) => store.compact(3) },
  { method: LeaseService.leaseGrant, run: (store) => store.grantLease('5s') },
  { method: LeaseService.leaseRevoke, run: (store) => store.lease(7n).revoke() },
  { method: LeaseService.leaseTimeToLive, run: (store) => store.lease(7n).timeToLive({ keys: true }) },
  { method: LeaseService.leaseLeases, run: (store) => store.leases() },
  { method: LeaseService.leaseKeepAlive, run: (store) => store.lease(7n).keepAlive() },
  { method: WatchService.watch, run: watchForAWhile },
];
const WATCH = ACTS.length - 1;

/** An answer that a server could give, as it would be written. */
function drawAnswer({ method }: Act, chance: Chance): Buffer {
  if (method.path === WatchService.watch.path) return method.responseSerialize(drawWatchAnswer(chance) as never);
  const codec = { decode: (bytes: Uint8Array) => method.responseDeserialize(Buffer.from(bytes)) };
  return method.responseSerialize(drawMessage(codec, chance) as never);
}

/** What a server may say of the first watch of a stream, which has the id 1. */
function drawWatchAnswer(chance: Chance): WatchResponse {
  const drawn = drawMessage(WatchResponse, chance) as WatchResponse;
  return {
    ...drawn,
    watchId: chance.oneIn(5) ? drawn.watchId : 1n,
    created: chance.oneIn(2),
    canceled: chance.oneIn(5),
    fragment: chance.oneIn(3),
    compactRevision: chance.oneIn(6) ? chance.between(-1, 9) : 0,
    header: chance.oneIn(6)
      ? undefined
      : { clusterId: 1n, memberId: 1n, revision: chance.between(-1, 40), raftTerm: 2 },
  };
}

async function watchForAWhile(store: Store): Promise<void> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(new StoppedReading()), WATCH_MS);
  let last = 0;
  try {
    for await (const { revision, events } of store.watch(prefix('a'), { signal: giveUp.signal })) {
      if (events.length > 0 && revision <= last) throw new Finding(`revision ${revision} came after ${last}`);
      last = Math.max(last, revision);
    }
  } catch (error) {
    if (!(error instanceof StoppedReading)) throw error;
  } finally {
    clearTimeout(timer);
  }
}

class StoppedReading extends Error {}

/** A server that says what it is told to, byte for byte, and otherwise what a healthy one says. */
class HostileServer {
  readonly answers = new Map<string, Buffer[]>();
  readonly #grpc = new Server();
  readonly #sockets = new Set<Socket>();
  readonly #listener: NetServer;

  constructor() {
    for (const service of [KVService, LeaseService, WatchService]) {
      const [definition, handlers] = this.#raw(service);
      this.#grpc.addService(definition, handlers as never);
    }
    const injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
  }

  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    this.#listener.listen({ host: '127.0.0.1', port: 0 });
    await once(this.#listener, 'listening');
    return { host: '127.0.0.1', port: (this.#listener.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.#grpc.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #raw(service: ServiceDefinition): [ServiceDefinition, object] {
    const same = (bytes: Buffer) => bytes;
    const methods = Object.entries(service);
    const definition = methods.map(([name, method]) => [
      name,
      { ...method, responseSerialize: same, requestDeserialize: same },
    ]);
    const handlers = methods.map(([name, method]) => [
      name,
      method.requestStream ? this.#stream(method.path) : this.#unary(method.path),
    ]);
    return [Object.fromEntries(definition) as ServiceDefinition, Object.fromEntries(handlers) as object];
  }

  #unary(path: string) {
    return (_call: unknown, callback: sendUnaryData<Buffer>) =>
      callback(
        null,
        this.answers.get(path)?.shift() ?? (path === KVService.range.path ? Buffer.from(HEALTHY) : Buffer.alloc(0)),
      );
  }

  /** All that it has to say, once it is asked something. */
  #stream(path: string) {
    return (wire: ServerDuplexStream<Buffer, Buffer>) => {
      wire.on('error', () => {});
      wire.on('data', () => {
        for (const answer of this.answers.get(path)?.splice(0) ?? []) wire.write(answer);
      });
      wire.on('end', () => wire.end());
    };
  }
}

let server: Promise<{ readonly hostile: HostileServer; readonly address: { host: string; port: number } }> | undefined;

async function start() {
  const hostile = new HostileServer();
  return { hostile, address: await hostile.listen() };
}

/** A store whose server answers anything: each call ends as it is documented to, and the store goes on. */
export const clientAnswers: FuzzTarget = {
  name: 'client-answers',
  what: 'what a server answers a store, of every call',
  asks: true,
  inputsPerSecond: 30,
  timeMsMax: END_MS_MAX,
  allocatedBytesMax: () => 64 * 1024 * 1024,
  draw: (chance) => {
    const parts = [0, ...chance.list(8, () => 0)].map(() => {
      const kind = chance.oneIn(3) ? WATCH : chance.between(0, ACTS.length - 1);
      return { kind, bytes: drawAnswer(ACTS[kind] as Act, chance) };
    });
    return { input: packParts(parts) };
  },
  judge: async (input) => {
    const { hostile, address } = await (server ??= start());
    const parts = unpackParts(input);
    hostile.answers.clear();
    for (const { kind, bytes } of parts) remember(hostile, kind, bytes);
    const store = await connectGrpc([address], PATIENCE);
    try {
      const ends = await Promise.all(parts.map((part) => ended(store, part)));
      hostile.answers.clear();
      if ((await store.range(prefix('a'))).count !== 0) throw new Finding('a healthy answer was read as another');
      return ends.includes(true) ? 'refused' : 'read';
    } finally {
      await store.close();
    }
  },
  close: async () => {
    const open = await server;
    server = undefined;
    await open?.hostile.close();
  },
};

function remember(hostile: HostileServer, kind: number, bytes: Buffer): void {
  const { path } = (ACTS[kind % ACTS.length] as Act).method;
  hostile.answers.set(path, [...(hostile.answers.get(path) ?? []), bytes]);
}

/** @returns whether it failed, as it is documented to */
async function ended(store: Store, { kind }: Part): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Finding(`a call has not ended after ${END_MS_MAX} ms`)), END_MS_MAX);
  });
  try {
    await Promise.race([(ACTS[kind % ACTS.length] as Act).run(store), never]);
    return false;
  } catch (error) {
    if (error instanceof Finding) throw error;
    assertRefusal(error, [CoordinationError]);
    return true;
  } finally {
    clearTimeout(timer);
  }
}
