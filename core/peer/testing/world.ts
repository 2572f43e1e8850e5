import type { Logger } from '../../base/logger.js';
import { seededPrng } from '../../base/prng.js';
import type { HeartbeatRequest, InstallSnapshotRequest, MemberId } from '../../raft/types.js';
import { ManualClock } from '../../testing/manual-clock.js';
import type { PeerLimits } from '../limits.js';
import { startPeers } from '../transport.js';
import type { PeerTls, PeerTransport } from '../types.js';
import { FakeHandler } from './fake-handler.js';

const WAIT_MAX_MS = 5_000;
const CLUSTER_ID = 0xc1n;

/** A transport with its fake member. */
export interface TestMember {
  readonly id: MemberId;
  readonly peers: PeerTransport;
  readonly handler: FakeHandler;
  /** What it logged: level, message, fields. */
  readonly logged: readonly string[];
}

/** How a member of a test differs from the others. */
export interface MemberOptions {
  readonly limits?: Partial<PeerLimits>;
  readonly tls?: PeerTls;
  readonly port?: number;
  readonly clusterId?: bigint;
  readonly incarnation?: bigint;
}

/** Members of one test on loopback, under one clock that the test turns. Closed together. */
export class PeerWorld {
  readonly clock = new ManualClock();
  readonly #closers: (() => Promise<unknown> | void)[] = [];

  async start(id: MemberId, { limits = {}, tls, port = 0, ...greeting }: MemberOptions = {}): Promise<TestMember> {
    const handler = new FakeHandler();
    const logged: string[] = [];
    const peers = await startPeers({
      greeting: { clusterId: CLUSTER_ID, incarnation: id * 10n, ...greeting, memberId: id },
      listen: [{ host: '127.0.0.1', port }],
      ...(tls !== undefined && { tls }),
      handler,
      clock: this.clock,
      prng: seededPrng(Number(id)),
      logger: recordingLogger(logged),
      limits,
    });
    this.#closers.push(() => peers.close());
    return { id, peers, handler, logged };
  }

  /** Something else that ends with the test. */
  add(close: () => Promise<unknown> | void): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) {
      const closing = Promise.resolve(close());
      // What waits for a timer in order to close has it now.
      await Promise.race([closing, this.clock.advance(60_000)]);
      await closing;
    }
    this.#closers.length = 0;
  }
}

/** Names `to` to `from` and waits until they are connected. */
export async function connect(from: TestMember, to: TestMember): Promise<void> {
  from.peers.setPeers([{ id: to.id, urls: to.peers.urls }]);
  await until(() => from.peers.isConnected(to.id));
}

/** Waits, in real time for the sockets' sake, until something holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MAX_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`it never came about: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A message that is as good as any. */
export function heartbeat(commitIndex: number): HeartbeatRequest {
  return { type: 'heartbeat', from: 1n, to: 2n, term: 1, commitIndex, readRound: 0 };
}

/** An announcement that is as good as any. */
export function announcement(lastIndex = 7): InstallSnapshotRequest {
  const configuration = { voters: [1n, 2n, 3n], learners: [] };
  return { type: 'installSnapshot', from: 1n, to: 2n, term: 3, lastIndex, lastTerm: 2, configuration };
}

function recordingLogger(into: string[]): Logger {
  const record = (level: string) => (fields: object, message: string) =>
    void into.push(`${level}: ${message} ${JSON.stringify(fields)}`);
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}
