import { setMaxListeners } from 'node:events';
import { between, type Prng } from '../../../base/prng.js';
import { checkReplay } from '../../checkers/replay/replay.js';
import { describe } from '../../checkers/verdict.js';
import { Progress } from '../../cluster/workload/progress.js';
import type { Invariants } from '../invariants/watch-invariants.js';
import type { World } from '../world.js';
import { compactor } from './compactor.js';
import { configUser, Releases } from './config-user.js';
import { Crew, type Employed, prngOf, type Worker } from './crew.js';
import { Judge } from './judge.js';
import { Exclusive, exclusiveUser } from './exclusive-user.js';
import { kvUser, SHARED, SharedKeys } from './kv-user.js';
import { leaseUser } from './lease-user.js';
import { Candidacies, observer } from './observer.js';
import { QueueCheck } from './queue-check.js';
import { consumer, producer, releaseOf, type SharedQueue } from './queue-user.js';
import { rangeUser } from './range-user.js';
import { registrant, viewer } from './registry-user.js';
import type { Surroundings } from './surroundings.js';
import { WatchesOpen, watchUser } from './watch-user.js';

export interface WorkloadOptions {
  readonly invariants: Invariants;
  /** Keys that KV users share. Default: 8. */
  readonly keyCount?: number;
  /** A lease that ends early is no violation, nor that two believe to hold what rests on one. */
  readonly toleratesEarlyLeases?: boolean;
}

const LOOK_MS = 100;
/** Within this everything that is under way when the work ends, ends: a call's own timeout, and a recipe's release. */
const ENDING_MS = 40_000;
const WATCHES_MS = 20_000;
/** Beyond its TTL a lease lives for as long as elections take, and the TTL again for each change of leader. */
const LEASES_MS = 30_000;
const LINGER_MS = 2_500;
const EMBEDDED_SHARE = 0.5;

/** Everything that people do with a store, at once, in the processes of a world; and what was promised to them. */
export class Workload {
  readonly judge: Judge;
  readonly #world: World;
  readonly #options: WorkloadOptions;
  readonly #stop = new AbortController();
  readonly #watches = new WatchesOpen();
  readonly #keys: SharedKeys;
  readonly #progress: Progress;
  readonly #crews: Crew[] = [];
  readonly #counts = new Map<string, number>();
  readonly #mutex: Exclusive;
  readonly #election: Exclusive;
  readonly #candidacies: Candidacies;
  readonly #queue: SharedQueue;
  readonly #releases: Releases;

  private constructor(world: World, options: WorkloadOptions) {
    const { invariants, keyCount = 8 } = options;
    this.#world = world;
    this.#options = options;
    this.#keys = new SharedKeys(keyCount);
    this.#progress = new Progress(() => world.scheduler.now());
    this.judge = new Judge({
      chronicle: invariants.chronicle,
      report: this.#report,
      nowMs: () => world.scheduler.now(),
      isOwned: (key) => key.startsWith(SHARED),
    });
    setMaxListeners(0, this.#stop.signal);
    this.#mutex = this.#exclusive('mutex');
    this.#election = this.#exclusive('election');
    this.#candidacies = new Candidacies(this.#election, invariants.chronicle);
    this.#queue = this.#openQueue();
    this.#releases = new Releases(invariants.chronicle, this.#report);
  }

  /** Begins the work in all clients that the world has, and in some of its members. */
  static async start(world: World, options: WorkloadOptions): Promise<Workload> {
    const workload = new Workload(world, options);
    workload.#employAll();
    workload.#look();
    return workload;
  }

  /** What was answered so far. */
  get operations(): number {
    return this.judge.judgedCount;
  }

  /** What was done and met so far, and how often. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /**
   * Ends the work. Everything that is under way must come to its end, for all is well again.
   *
   * @throws if something does not
   */
  async stop(): Promise<void> {
    const { scheduler } = this.#world;
    const { chronicle } = this.#options.invariants;
    const { revision } = chronicle;
    await scheduler.until(() => this.#watches.haveBeenTold(revision), WATCHES_MS, `all watches to tell ${revision}`);
    this.#stop.abort(new Error('the work is over'));
    const atWork = () => this.#crews.flatMap((crew) => crew.atWork);
    await scheduler
      .until(() => atWork().length === 0, ENDING_MS)
      .catch(() => this.#report(`within ${ENDING_MS} ms these have not ended: ${atWork().join(', ')}`));
  }

  /**
   * What can be said only at the end: what leases held is gone, everybody lets go of what they had, and the whole history
   * is in order.
   *
   * @throws if something is left behind
   */
  async check(): Promise<void> {
    const { scheduler } = this.#world;
    const { chronicle } = this.#options.invariants;
    const left = () => [...chronicle.leases.keys()].map((id) => id.toString(16));
    await scheduler
      .until(() => left().length === 0, LEASES_MS)
      .catch(() => this.#report(`these leases do not end: ${left().join(', ')}`));
    this.#closeStores();
    this.judge.finish();
    const { operations, log } = this.judge;
    const verdict = checkReplay(operations, log, { firstRevision: 2, isOwned: (key) => key.startsWith(SHARED) });
    if (verdict.verdict !== 'ok') this.#report(describe(verdict));
  }

  readonly #report = (what: string): void => this.#world.violation(what);

  readonly #look = (): void => {
    if (this.#stop.signal.aborted) return;
    for (const crew of this.#crews) crew.look();
    this.#world.scheduler.after(LOOK_MS, this.#look);
  };

  #employAll(): void {
    const prng = this.#world.chance('workload');
    const { clients, members } = this.#world;
    for (const client of clients) {
      const workers = this.#draw(prng);
      this.#crew({ process: client, openStore: () => client.store(), workers });
    }
    for (const member of members) {
      if (prng.next() > EMBEDDED_SHARE) continue;
      const openStore = () => (member.state === 'serving' ? member.store() : undefined);
      this.#crew({ process: member, openStore, workers: this.#draw(prng), isEmbedded: true });
    }
  }

  #crew(parts: Pick<ConstructorParameters<typeof Crew>[0], 'process' | 'openStore' | 'workers' | 'isEmbedded'>): void {
    this.#crews.push(new Crew({ ...parts, world: this.#world, onFailure: this.#report }));
  }

  /** Some of everybody. */
  #draw(prng: Prng): readonly Worker[] {
    const workers = [this.#worker('kv', (given) => kvUser(this.#keys, given))];
    const odds: readonly (readonly [number, Worker])[] = [
      [0.5, this.#worker('range', rangeUser)],
      [0.6, this.#worker('watch', (given) => watchUser(this.#watches, given))],
      [0.4, this.#worker('lease', leaseUser)],
      [0.2, this.#worker('compactor', compactor)],
      [0.4, this.#worker('mutex', (given) => exclusiveUser(this.#mutex, given))],
      [0.3, this.#worker('election', (given) => exclusiveUser(this.#election, given))],
      [0.2, this.#worker('observer', (given) => observer(this.#election, this.#candidacies, given))],
      [0.3, this.#worker('producer', (given) => producer(this.#queue, given))],
      [0.3, this.#worker('consumer', (given) => consumer(this.#queue, given))],
      [0.2, this.#worker('registrant', registrant)],
      [0.2, this.#worker('viewer', viewer)],
      [0.2, this.#worker('config', (given) => configUser(this.#releases, given))],
    ];
    for (const [probability, worker] of odds) if (prng.next() < probability) workers.push(worker);
    return workers;
  }

  #exclusive(kind: 'mutex' | 'election'): Exclusive {
    const { chronicle } = this.#options.invariants;
    const ttlMs = Exclusive.ttlMs(this.#world.chance('workload').next());
    return new Exclusive(kind, 'contended', ttlMs, { chronicle, report: this.#report });
  }

  #openQueue(): SharedQueue {
    const { chronicle } = this.#options.invariants;
    const prng = this.#world.chance('workload');
    const itemsMin = between(prng, 1, 4);
    const lingers = prng.next() < 0.5;
    const parts = { chronicle, report: this.#report, itemsMin, lingers };
    const release = releaseOf(lingers ? { itemsMin, lingerMs: LINGER_MS } : { itemsMin });
    return { check: new QueueCheck('work', parts), release, consumers: new Map() };
  }

  #worker(kind: string, user: (surroundings: Surroundings) => Promise<void>): Worker {
    return { kind, work: (employed) => user(this.#surroundings(employed)) };
  }

  #surroundings(employed: Employed): Surroundings {
    const { invariants } = this.#options;
    return {
      name: employed.name,
      store: employed.store,
      prng: prngOf(employed),
      history: this.judge,
      progress: this.#progress,
      verdict: { violation: this.#report, earlyEnd: this.#earlyEnd },
      signal: this.#stop.signal,
      chronicle: invariants.chronicle,
      leases: invariants.leases,
      nowMs: () => this.#world.scheduler.now(),
      isAlive: () => employed.life.isAlive,
      isPaused: () => employed.process.isPaused,
      count: (what) => this.#count(what),
    };
  }

  readonly #earlyEnd = (what: string): void => {
    if (this.#options.toleratesEarlyLeases) this.#count('a lease ended early');
    else this.#report(what);
  };

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    this.#world.reached.note(`workload: ${what}`);
  }

  #closeStores(): void {
    for (const crew of this.#crews) void crew.close();
  }
}
