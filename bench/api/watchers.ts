import type { MethodDefinition } from '@grpc/grpc-js';
import { type WatchRequest, WatchService } from '../../core/rpc/gen/watch.js';
import type { RawStream } from '../../core/rpc/testing/raw-client.js';
import { Samples, timeMs } from '../measure.js';
import { printContest } from '../cluster/table.js';
import { type Contestant, goal, type Ground, ofEach, until } from './contestant.js';
import { createWatch } from './watch-messages.js';

const WATCHERS = 10_000;
const STREAMS = 100;
const CONNECTIONS = 10;
const ROUNDS = 20;
const BYTES_A_WATCHER_MAX = 2_000;
const PATIENCE_MS = 60_000;

/** Answers are counted, not read: what is measured is the member. */
const COUNTED = { ...WatchService.watch, responseDeserialize: (bytes: Buffer) => bytes } as unknown as MethodDefinition<
  WatchRequest,
  Buffer
>;
const CREATE = createWatch({ key: 'watched' });

interface Figures {
  readonly bytesAWatcher: number;
  /** From the put's begin until the last watcher has the event. */
  readonly lastMs: Samples;
  readonly putMs: Samples;
}

/** Many watchers of one key: what they take in the member, and when the last one hears of a change. */
export async function watchers(ground: Ground): Promise<void> {
  const count = Math.ceil(WATCHERS / ground.divide);
  const streams = Math.min(STREAMS, count);
  const { names, measured } = await ofEach(ground, (contestant) => watch(contestant, count, streams));
  const [ours] = measured;
  printContest(`${count.toLocaleString('en')} watchers of one key over ${streams} streams`, names, [
    {
      ...{ what: 'memory a watcher (of etcd: resident)', unit: 'bytes' },
      figures: measured.map(({ bytesAWatcher }) => bytesAWatcher),
      besides: goal(ours?.bytesAWatcher, BYTES_A_WATCHER_MAX, 'bytes'),
    },
    { what: 'a put, until it is answered, p50', unit: 'ms', figures: measured.map(({ putMs }) => putMs.p50) },
    {
      what: 'a put, until the last watcher has it, p50',
      unit: 'ms',
      figures: measured.map(({ lastMs }) => lastMs.p50),
    },
    { what: '  the longest', unit: 'ms', figures: measured.map(({ lastMs }) => lastMs.quantile(1)) },
  ]);
}

async function watch(contestant: Contestant, count: number, streamCount: number): Promise<Figures> {
  const store = await contestant.store();
  await store.put('watched', '0');
  const clients = Array.from({ length: CONNECTIONS }, () => contestant.raw());
  let heard = 0;
  const streams = Array.from({ length: streamCount }, (_, at) => {
    const stream = clients[at % CONNECTIONS]!.stream(COUNTED);
    void listen(stream, () => (heard += 1));
    return stream;
  });
  await settled();
  const before = await contestant.heldBytes();
  for (let created = 0; created < count; created += 1) streams[created % streamCount]!.send(CREATE);
  await until('watchers are created', PATIENCE_MS, () => heard === count);
  await settled();
  const bytesAWatcher = ((await contestant.heldBytes()) - before) / count;

  const [lastMs, putMs]: [number[], number[]] = [[], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    heard = 0;
    const begunMs = performance.now();
    putMs.push(await timeMs(() => store.put('watched', String(round))));
    await until('all have heard', PATIENCE_MS, () => heard === count);
    lastMs.push(performance.now() - begunMs);
  }
  for (const stream of streams) stream.cancel();
  return { bytesAWatcher, lastMs: new Samples(lastMs), putMs: new Samples(putMs) };
}

async function listen(stream: RawStream<never, Buffer>, onAnswer: () => void): Promise<void> {
  void stream.ended;
  for (;;) {
    await stream.next();
    onAnswer();
  }
}

/** Lets the member come to rest, so that its memory is what it holds. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500));
}
