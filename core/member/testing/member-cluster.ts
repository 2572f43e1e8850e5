import { toBytes, toText } from '../../base/bytes.js';
import { type Logger, silentLogger } from '../../base/logger.js';
import { seededPrng } from '../../base/prng.js';
import type { Machine } from '../../machine/machine.js';
import type { MemberInfo } from '../../machine/types.js';
import type { Raft } from '../../raft/raft.js';
import type { Entry, HardState } from '../../raft/types.js';
import { resolveSettings, type Settings } from '../../server/settings.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { VirtualDisk } from '../../testing/simulation/disk/virtual-disk.js';
import { Wal } from '../../wal/wal.js';
import type { DurableLog } from '../durable-log.js';
import type { Identity } from '../identity.js';
import type { Member } from '../member.js';
import { compose, infoOf } from './compose.js';
import { MemberNetwork, type MemoryTransport } from './member-network.js';
import { KeptBackend, MemoryStates } from './memory-states.js';
import { NodeClock } from './node-clock.js';

const CLUSTER_ID = 77n;
/** Simulated milliseconds that are waited for anything. */
const PATIENCE_MS = 60_000;
const STEP_MS = 10;

export interface ClusterOptions {
  readonly size?: number;
  readonly seed?: number;
  readonly settings?: Partial<Settings>;
  readonly autoPromote?: boolean;
  readonly strictReconfigCheck?: boolean;
}

/** A log over the real one that a test may hold up, as a disk that hangs. */
class StickyLog implements DurableLog {
  readonly #log: Wal;
  #released: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;

  constructor(log: Wal) {
    this.#log = log;
  }

  stick(): void {
    if (this.#release !== undefined) return;
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  async append(hardState: HardState | undefined, entries: readonly Entry[]): Promise<void> {
    await this.#released;
    await this.#log.append(hardState, entries);
  }

  async compactTo(index: number): Promise<void> {
    await this.#log.compactTo(index);
  }

  async reset(position: { readonly index: number; readonly term: number }, hardState: HardState): Promise<void> {
    await this.#log.reset(position, hardState);
  }

  async close(): Promise<void> {
    await this.#released;
    await this.#log.close();
  }
}

/** One member with what it runs on. */
export class TestNode {
  disk = new VirtualDisk();
  backend = new KeptBackend();
  clock: NodeClock;
  incarnation: bigint;
  log!: StickyLog;
  states!: MemoryStates;
  raft!: Raft;
  /** With which it started; a snapshot may have put another in its place. */
  machine!: Machine;
  transport!: MemoryTransport;
  /** Once it serves. */
  member: Member | undefined;
  starting: Promise<Member> | undefined;
  isJoiner = false;
  /** It has no way to others at all. */
  isUnreachable = false;
  clusterId = CLUSTER_ID;
  name: string;
  told: readonly MemberInfo[] = [];
  readonly warnings: string[] = [];
  readonly #cluster: TestCluster;

  constructor(
    cluster: TestCluster,
    readonly id: bigint,
  ) {
    this.#cluster = cluster;
    this.clock = new NodeClock(cluster.clock);
    this.name = `member-${id}`;
    this.incarnation = (id % 1_000_000n) * 1_000n + 1n;
  }

  get identity(): Identity {
    return { clusterId: this.clusterId, memberId: this.id, incarnation: this.incarnation };
  }

  /** The member, which serves. */
  get m(): Member {
    if (this.member === undefined) throw new Error(`member ${this.id} does not serve`);
    return this.member;
  }

  /** How many vote. */
  get voterCount(): number {
    return this.raft.configuration.voters.length;
  }

  get leads(): boolean {
    return this.member !== undefined && this.clock.isRunning && this.member.leader === this.id;
  }

  start(signal?: AbortSignal): Promise<Member> {
    this.starting = this.#start(signal);
    this.starting.catch(() => undefined);
    return this.starting;
  }

  /** Ends as by SIGKILL: nothing more is written, sent or answered. */
  kill(): void {
    this.clock.kill();
    this.log.stick();
    this.#cluster.network.leave(this.id);
    this.member = undefined;
  }

  /** Starts again on what a power cut has left of its log. */
  restart(): Promise<Member> {
    this.disk = this.disk.afterPowerCut('nothing');
    this.backend = this.states.inForce.reopened();
    this.clock = new NodeClock(this.#cluster.clock);
    return this.start();
  }

  /** Starts again with a new disk. */
  restartWiped(): Promise<Member> {
    this.disk = new VirtualDisk();
    this.backend = new KeptBackend();
    this.clock = new NodeClock(this.#cluster.clock);
    this.incarnation += 1n;
    return this.start();
  }

  async #start(signal: AbortSignal | undefined): Promise<Member> {
    const { network, options, seed } = this.#cluster;
    const settings = resolveSettings({ ...options.settings });
    const opened = await Wal.open({ disk: this.disk, path: '/wal', logger: silentLogger, newLogId: () => this.id });
    this.log = new StickyLog(opened.wal);
    this.states = new MemoryStates(this.backend, settings);
    const member = await compose({
      identity: this.identity,
      log: this.log,
      logged: { hardState: opened.hardState, storedLog: opened },
      backend: this.backend,
      ...(!this.isUnreachable && { stateStore: this.states }),
      clock: this.clock,
      prng: seededPrng(seed * 1_000 + Number(this.id)),
      logger: this.#logger(),
      settings,
      initial: this.#cluster.initial,
      onParts: (raft, machine) => Object.assign(this, { raft, machine }),
      joins: this.isJoiner,
      toldMembers: this.told,
      ...(!this.isUnreachable && {
        peers: async (handler) => (this.transport = network.join(this.identity, handler, this.clock)),
      }),
      name: this.name,
      clientUrls: [`http://client-${this.id}:2379`],
      autoPromote: options.autoPromote ?? true,
      strictReconfigCheck: options.strictReconfigCheck ?? true,
      signal,
    });
    this.member = member;
    void member.stopped.then(() => {
      if (this.member === member) this.member = undefined;
    });
    return member;
  }

  #logger(): Logger {
    const note = (_fields: object, message: string) => void this.warnings.push(message);
    return { ...silentLogger, warn: note, error: note };
  }
}

/** Several members in one process, on one clock that the test turns. */
export class TestCluster {
  readonly clock = new ManualClock();
  readonly network = new MemberNetwork(this.clock);
  readonly nodes: TestNode[];
  readonly seed: number;
  readonly initial: readonly MemberInfo[];
  readonly options: ClusterOptions;

  constructor(options: ClusterOptions = {}) {
    this.options = options;
    this.seed = options.seed ?? 1;
    this.nodes = Array.from({ length: options.size ?? 3 }, (_, i) => new TestNode(this, BigInt(i + 1)));
    this.initial = this.nodes.map(({ id }) => infoOf(id));
  }

  /** A cluster whose members all serve. */
  static async started(options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    await cluster.until(Promise.all(cluster.nodes.map((node) => node.start())));
    await cluster.until(() => cluster.nodes.every(({ m }) => m.leader !== undefined));
    return cluster;
  }

  get ids(): readonly bigint[] {
    return this.nodes.map(({ id }) => id);
  }

  /** The one that leads, and whom the others follow. */
  get leader(): TestNode {
    const leader = this.nodes.filter(({ leads }) => leads).sort((a, b) => b.m.term - a.m.term)[0];
    if (leader === undefined) throw new Error('nobody leads');
    return leader;
  }

  get followers(): readonly TestNode[] {
    const { leader } = this;
    return this.nodes.filter((node) => node !== leader && node.member !== undefined);
  }

  node(id: bigint): TestNode {
    const node = this.nodes.find((other) => other.id === id);
    if (node === undefined) throw new Error(`there is no member ${id}`);
    return node;
  }

  /** Adds what a new member runs on. It is not started. */
  prepare(id: bigint, members: readonly MemberInfo[]): TestNode {
    const node = new TestNode(this, id);
    node.isJoiner = true;
    node.told = members;
    this.nodes.push(node);
    return node;
  }

  /** Turns the clock until something is so, or a promise is settled, and answers what it resolves with. */
  async until<T>(goal: Promise<T> | (() => boolean), patienceMs = PATIENCE_MS): Promise<T> {
    let isReached = false;
    if (typeof goal !== 'function') {
      const reached = () => void (isReached = true);
      goal.then(reached, reached);
    }
    const fromMs = this.clock.now();
    while (!(typeof goal === 'function' ? goal() : isReached)) {
      if (this.clock.now() - fromMs >= patienceMs) throw new Error(`not reached within ${patienceMs} ms`);
      await this.clock.advance(STEP_MS);
    }
    return (typeof goal === 'function' ? undefined : goal) as Promise<T>;
  }

  /** Turns the clock until a new leader is known to all who run and are not named. */
  async untilLed(except: readonly TestNode[] = []): Promise<TestNode> {
    const others = () => this.nodes.filter((node) => node.member !== undefined && !except.includes(node));
    await this.until(() => {
      const [leader, ...more] = others().filter(({ leads }) => leads);
      return more.length === 0 && leader !== undefined && others().every(({ m }) => m.leader === leader.id);
    });
    return others().find(({ leads }) => leads) as TestNode;
  }

  cutOff(node: TestNode): void {
    this.network.isolate(node.id, this.ids);
  }

  async close(): Promise<void> {
    this.network.heal();
    const closing = this.nodes.map(async (node) => {
      if (node.clock.isRunning) await node.member?.close();
      else node.kill();
    });
    await this.until(Promise.all(closing));
  }
}

export function put(node: TestNode, key: string, value: string): Promise<{ revision: number }> {
  return node.m.put({ type: 'put', key: toBytes(key), value: toBytes(value) });
}

export async function get(node: TestNode, key: string, serializable = false): Promise<string | undefined> {
  const { kvs } = await node.m.range({ type: 'range', key: toBytes(key), serializable });
  return kvs[0] && toText(kvs[0].value);
}
