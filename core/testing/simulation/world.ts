import type { Prng } from '../../base/prng.js';
import type { Assembled } from '../../server/assemble.js';
import { Chances } from './chance.js';
import { EventLoop } from './event-loop.js';
import { type LinkConditions, LOCAL_NETWORK } from './network/link.js';
import { VirtualNetwork } from './network/virtual-network.js';
import { VirtualClient, type VirtualClientOptions } from './process/virtual-client.js';
import { type MemberOptions, peerUrlOf, VirtualMember } from './process/virtual-member.js';
import type { VirtualProcess } from './process/virtual-process.js';
import { Scheduler } from './scheduler.js';
import { Effects, Reached } from './tally.js';
import { Trace } from './trace.js';
import { type AllowedGlobal, Tripwire } from './tripwire.js';
import { ViolationError } from './violation.js';

export type { Effects, Reached } from './tally.js';
export type { Link, LinkConditions, LinkMode } from './network/link.js';
export type { VirtualNetwork } from './network/virtual-network.js';
export type { VirtualClient, VirtualClientOptions } from './process/virtual-client.js';
export type { MemberOptions, VirtualMember } from './process/virtual-member.js';
export type { VirtualProcess } from './process/virtual-process.js';
export type { Scheduler } from './scheduler.js';
export type { Trace } from './trace.js';
export { ViolationError } from './violation.js';

/** What a world is like, where it is not as usual. */
export interface WorldOptions {
  /** How links behave that nobody has set otherwise. */
  readonly network?: Partial<LinkConditions>;
  /** How many of its last steps {@link Trace.last} tells. */
  readonly lastEventsKept?: number;
  /** Globals that may be used although they bypass the seams. */
  readonly allowedGlobals?: readonly AllowedGlobal[];
}

/** Wall time at a world's beginning: it decides nothing, and is only shown. */
const WALL_START_MS = Date.UTC(2024, 0, 1);

/** Called with whoever something happened to. */
export type Check = (touched: VirtualProcess) => void;

/**
 * Members, clients and the network between them in one process, on a clock of their own. Everything that decides what
 * happens follows from one number: run it twice, and the same happens.
 *
 * ```ts
 * const world = new World(7);
 * await world.run(async () => {
 *   await world.startCluster(3);
 *   const store = world.addClient('c1').store();
 *   world.network.isolate('m1');
 *   await store.put('key', 'value');
 * });
 * await world.close();
 * ```
 */
export class World {
  readonly seed: number;
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly network: VirtualNetwork;
  readonly effects = new Effects();
  readonly reached = new Reached();
  readonly #members: VirtualMember[] = [];
  readonly #clients: VirtualClient[] = [];
  /** By lane. */
  readonly #processes: (VirtualProcess | undefined)[] = [undefined];
  readonly #chances: Chances;
  readonly #checks: Check[] = [];
  readonly #watchers: ((member: VirtualMember, parts: Assembled) => void)[] = [];
  readonly #loop: EventLoop;
  readonly #touched = new Set<VirtualProcess>();

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed;
    this.#chances = new Chances(seed);
    this.trace = new Trace(() => this.scheduler.now(), options.lastEventsKept);
    this.scheduler = new Scheduler(this.trace, this.#chances.number('order'));
    const { scheduler } = this;
    const chance = (name: string) => this.chance(name);
    const onEffect = (kind: string) => this.effects.count(kind);
    this.network = new VirtualNetwork({ scheduler, chance, onEffect }, { ...LOCAL_NETWORK, ...options.network });
    const tripwire = new Tripwire(
      options.allowedGlobals ?? [],
      () => this.wallMs,
      (what) => this.violation(`${what} was used, which bypasses the world's clock and chance`),
    );
    this.#loop = new EventLoop({
      scheduler,
      tripwire,
      afterEvent: (lane) => this.#check(lane),
      onUncaught: (error) => this.#uncaught(error),
    });
  }

  get members(): readonly VirtualMember[] {
    return this.#members;
  }

  get clients(): readonly VirtualClient[] {
    return this.#clients;
  }

  /** What clocks on the wall show. */
  get wallMs(): number {
    return WALL_START_MS + Math.floor(this.scheduler.now());
  }

  /** A stream of chance of its own for each name. */
  chance(name: string): Prng {
    return this.#chances.of(name);
  }

  /**
   * Adds a member, which is not started. Without `peers` it is a cluster of one, which can grow.
   *
   * @param name - also that of its machine: it must be a host name
   */
  addMember(name: string, options: MemberOptions = {}): VirtualMember {
    const peers = options.peers ?? { [name]: peerUrlOf(name) };
    const member = new VirtualMember(this, name, this.#processes.length, { ...options, peers });
    this.#members.push(member);
    this.#add(member);
    return member;
  }

  /** Adds a client, which runs. */
  addClient(name: string, options: VirtualClientOptions = {}): VirtualClient {
    const client = new VirtualClient(this, name, this.#processes.length, options);
    this.#clients.push(client);
    this.#add(client);
    return client;
  }

  /**
   * Adds so many members, `m1` and so on, that begin as one cluster, and starts them.
   *
   * @returns once all of them serve
   */
  async startCluster(size: number, options: MemberOptions = {}): Promise<readonly VirtualMember[]> {
    const names = Array.from({ length: size }, (_, i) => `m${i + 1}`);
    const peers = Object.fromEntries(names.map((name) => [name, peerUrlOf(name)]));
    const members = names.map((name) => this.addMember(name, { ...options, peers }));
    await Promise.all(members.map((member) => member.start()));
    return members;
  }

  /**
   * Turns the world until `body` has ended.
   *
   * @throws {@link ViolationError}, the first, if a promise was broken; what `body` throws
   */
  run<T>(body: () => Promise<T>): Promise<T> {
    return this.#loop.run(body);
  }

  /** A promise was broken: ends the run. @throws it, if the world is not being turned */
  violation(what: string, cause?: unknown): void {
    this.trace.note('VIOLATION', what);
    const violation = new ViolationError(what, this.seed, this.scheduler.now(), { cause });
    if (!this.#loop.isTurning) throw violation;
    this.#loop.fail(violation);
  }

  /** Calls back after every event of a process, once everything that it set off has run to its end. */
  afterEachEvent(check: Check): void {
    this.#checks.push(check);
  }

  /** Calls back with every member that is put together, before its first turn. */
  onAssembled(watcher: (member: VirtualMember, parts: Assembled) => void): void {
    this.#watchers.push(watcher);
  }

  /** Ends everything at once. What was under way stays unanswered. */
  async close(): Promise<void> {
    for (const process of [...this.#members, ...this.#clients]) process.kill();
    this.scheduler.clear();
  }

  /** For members: one was put together. */
  memberAssembled(member: VirtualMember, parts: Assembled): void {
    for (const watcher of this.#watchers) watcher(member, parts);
  }

  /** For processes: something happened to one from outside. */
  touched(process: VirtualProcess): void {
    this.#touched.add(process);
  }

  #add(process: VirtualProcess): void {
    if (this.#processes.some((other) => other?.name === process.name))
      throw new Error(`${process.name} is there already`);
    this.#processes.push(process);
    this.network.add(process);
  }

  #uncaught(error: unknown): void {
    const who = this.#processes[this.scheduler.lane]?.name ?? 'the world';
    this.violation(`${who} threw what nobody caught: ${error instanceof Error ? error.stack : String(error)}`, error);
  }

  #check(lane: number): void {
    const process = this.#processes[lane];
    if (process !== undefined) this.#touched.add(process);
    for (const touched of this.#touched) {
      this.#touched.delete(touched);
      for (const check of this.#checks) check(touched);
    }
  }
}
