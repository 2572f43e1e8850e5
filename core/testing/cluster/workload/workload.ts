import { setMaxListeners } from 'node:events';
import { toText } from '../../../base/bytes.js';
import { everything } from '../../../base/key-range.js';
import type { Event } from '../../../base/key-value.js';
import { between, type Prng, seededPrng } from '../../../base/prng.js';
import { systemClock } from '../../../base/system-clock.js';
import type { ClientLimits } from '../../../client/settings.js';
import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import { History } from '../../checkers/history/history.js';
import type { ProcessCluster } from '../process-cluster.js';
import { type Exclusive, exclusive, exclusiveUser, type HolderSurroundings } from './exclusive-user.js';
import { FreezableClock } from './freezable-clock.js';
import { type Judgement, judge } from './judge.js';
import { KeyGroup } from './key-group.js';
import { KvClient } from './kv-client.js';
import { LeaseBook } from './lease-book.js';
import { LEASED, leaseUser } from './lease-user.js';
import { Model } from './model.js';
import { Progress } from './progress.js';
import { isPassing, KEYS, rest, type Surroundings } from './surroundings.js';
import { Verdict } from './verdict.js';
import { Watchers } from './watchers.js';

const END_MS = 45_000;
/** A lease ends no later than its TTL, two election timeouts, and a TTL for each change of leader; here after all is well. */
const ABANDONED_MS = 15_000;
/** Of an empty store. */
const FIRST_REVISION = 2;
/** So many clients share one group of keys, that a search can still tell the order of what they did. */
const CLIENTS_A_GROUP = 8;
/** And so many share one connection, as the parts of one program do. */
const CLIENTS_A_STORE = 4;
const COMPACT_EVERY_MS = 2_000;
const KEPT_REVISIONS = 2_000;
/** Members are replaced by others, at other addresses, until none of the first is left. */
const FOLLOWING: Partial<ClientLimits> = { autoSyncIntervalMs: 1_000 };
/** Impatient, so that many an outcome stays unknown. */
const IMPATIENT: Partial<ClientLimits> = {
  requestTimeoutMs: 400,
  retriesMax: 1,
  retryTimeoutMs: 800,
  dialTimeoutMs: 500,
  connectTimeoutMs: 500,
  backoffMaxMs: 100,
};

/** How many of each kind are at work. */
export interface WorkloadSizes {
  readonly clients?: number;
  readonly lockUsers?: number;
  readonly electors?: number;
  readonly leaseUsers?: number;
  readonly watchers?: number;
  readonly passers?: number;
}

/**
 * Everything that people do with a cluster that is still empty, at once, while anything may happen to it; and a check of every
 * promise. What KV clients ask and are answered is kept until it is judged.
 */
export class Workload {
  readonly verdict: Verdict;
  readonly history = new History({ nowMs: () => performance.now() });
  /** Who was granted which lock and which office. */
  readonly holds = new History({ nowMs: () => performance.now() });
  readonly progress = new Progress();
  readonly leases: LeaseBook;
  readonly watchers: Watchers;
  readonly #cluster: ProcessCluster;
  readonly #stop = new AbortController();
  readonly #model = new Model();
  readonly #exclusives: readonly Exclusive[];
  readonly #stores: Store[] = [];
  #working: Promise<void>[] = [];

  private constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
    this.verdict = new Verdict({ toleratesEarlyLeases: !cluster.program.keepsLeases });
    this.leases = new LeaseBook(this.verdict);
    this.watchers = new Watchers(this.verdict, FIRST_REVISION);
    // Everybody at work listens, and whatever they wait for does.
    setMaxListeners(0, this.#stop.signal);
    this.verdict.signal.addEventListener('abort', () => this.#stop.abort(new Error('a promise was broken')));
    this.#exclusives = [
      exclusive('mutex', 'contended', this.verdict),
      exclusive('election', 'contended', this.verdict),
    ];
  }

  /** Starts all of them; what they choose by chance follows from the seed, if not when they do it. */
  static async start(cluster: ProcessCluster, seed: number, sizes: WorkloadSizes = {}): Promise<Workload> {
    const workload = new Workload(cluster);
    await workload.#start(seed, sizes);
    return workload;
  }

  /** What was done so far, in figures. */
  get figures(): Readonly<Record<string, number>> {
    const { answeredCount, writeCount, refusedCount, unknownCount, ratePerSecond, longestGapMs } = this.progress;
    const [lock, election] = this.#exclusives as [Exclusive, Exclusive];
    return {
      operations: answeredCount,
      writes: writeCount,
      refused: refusedCount,
      unknownOutcomes: unknownCount,
      operationsPerSecond: Math.round(ratePerSecond),
      longestGapMs: Math.round(longestGapMs),
      lockGrants: lock.line.grantCount,
      electionGrants: election.line.grantCount,
      frozenHolders: lock.frozenCount + election.frozenCount,
      leaseRenewals: this.leases.renewalCount,
      earlyLeasesTolerated: this.verdict.toleratedCount,
      watchEvents: this.watchers.eventCount,
      watchersPassed: this.watchers.passedCount,
      segmentsCompared: this.watchers.comparisonCount,
    };
  }

  /** One line about what was done so far. */
  get summary(): string {
    return Object.entries(this.figures)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  }

  /**
   * Ends the work, which must be possible by now, and checks everything: every member has caught up and answers the same,
   * which is what the log says, and what clients were answered agrees with it.
   *
   * @throws with every violation that was found, and if anything could not be judged
   */
  async finish(): Promise<Judgement & { readonly judgedInMs: number }> {
    try {
      this.progress.end();
      this.#stop.abort(new Error('the work is over'));
      await Promise.all(this.#working);
      this.history.finish();
      this.holds.finish();
      this.verdict.check();
      const revision = await this.#lastWrite();
      await this.#cluster.until(
        `all watches have come to revision ${revision}`,
        async () => !this.verdict.isClean || this.watchers.leastRevision >= revision,
        END_MS,
      );
      await this.#checkAbandoned();
      await this.#checkMembers();
      this.verdict.check();
    } finally {
      await this.#close();
    }
    const { keepsLeases } = this.#cluster.program;
    const startedMs = performance.now();
    const judgement = judge(this.history, { firstRevision: FIRST_REVISION, ...(keepsLeases && { holds: this.holds }) });
    for (const finding of judgement.findings) {
      this.verdict.violation([finding, ...this.progress.refusalsOf(finding)].join('\n  '));
    }
    this.verdict.check();
    return { ...judgement, judgedInMs: Math.round(performance.now() - startedMs) };
  }

  /** Ends everything without a check, as after a failure elsewhere. */
  async abandon(): Promise<void> {
    this.#stop.abort(new Error('the work is abandoned'));
    await this.#close();
    await Promise.all(this.#working);
  }

  async #start(seed: number, sizes: WorkloadSizes): Promise<void> {
    const { clients = 16, lockUsers = 3, electors = 2, leaseUsers = 3, watchers = 3, passers = 2 } = sizes;
    const prng = seededPrng(seed);
    const first = await this.#connect(prng);
    const { revision } = await first.range(everything(), { limit: 1 });
    if (revision >= FIRST_REVISION) throw new Error(`the store is at revision ${revision}: it must be a new one`);
    for (let at = 0; at < watchers; at += 1) {
      if (at === 0) this.watchers.stay(first, (event) => this.#hear(event));
      else this.watchers.stay(await this.#connect(prng));
    }
    for (let at = 0; at < passers; at += 1) this.watchers.passBy(await this.#connect(prng), seededPrng(seed + at));
    const [lock, election] = this.#exclusives as [Exclusive, Exclusive];
    let group = new KeyGroup('0');
    await this.#employ(
      prng,
      clients,
      (at, with_) => {
        if (at % CLIENTS_A_GROUP === 0) group = new KeyGroup(String(at / CLIENTS_A_GROUP));
        return new KvClient(`kv-${at}`, group, with_).work();
      },
      { client: IMPATIENT, share: CLIENTS_A_STORE },
    );
    await this.#employ(prng, lockUsers, (at, with_) => exclusiveUser(`locker-${at}`, lock, with_));
    await this.#employ(prng, electors, (at, with_) => exclusiveUser(`elector-${at}`, election, with_));
    await this.#employ(prng, leaseUsers, (at, with_) => leaseUser(`lessee-${at}`, this.leases, with_));
    await this.#employ(prng, 1, (_, with_) => this.#compactNowAndThen(with_));
    this.progress.begin();
  }

  /** Each has a source of chance of its own; so many `share` a connection and its clock, by default none. */
  async #employ(
    prng: Prng,
    count: number,
    work: (at: number, with_: HolderSurroundings) => Promise<void>,
    { client = {}, share = 1 }: { readonly client?: Partial<ClientLimits>; readonly share?: number } = {},
  ): Promise<void> {
    let clock = new FreezableClock(systemClock);
    let store: Store | undefined;
    for (let at = 0; at < count; at += 1) {
      const own = seededPrng(Math.floor(prng.next() * 2 ** 32));
      if (at % share === 0 || !store) {
        clock = new FreezableClock(systemClock);
        store = await this.#connect(own, { clock, client });
      }
      const { history, holds, progress, verdict } = this;
      const with_ = { store, clock, prng: own, history, holds, progress, verdict, signal: this.#stop.signal };
      const working = work(at, with_).catch((error: unknown) => this.verdict.violation(String(error)));
      this.#working.push(working);
    }
  }

  async #connect(
    prng: Prng,
    { client = {}, ...options }: { readonly clock?: FreezableClock; readonly client?: Partial<ClientLimits> } = {},
  ): Promise<Store> {
    const store = await connect(this.#cluster.url, { prng, ...options, client: { ...FOLLOWING, ...client } });
    this.#stores.push(store);
    return store;
  }

  /** Behind what everybody who stays has seen. */
  async #compactNowAndThen({ store, prng, signal }: Surroundings): Promise<void> {
    while (!signal.aborted) {
      await rest(between(prng, 0, 2 * COMPACT_EVERY_MS), signal);
      const revision = this.watchers.leastRevision - between(prng, 1, KEPT_REVISIONS);
      if (revision < FIRST_REVISION) continue;
      await store.compact(revision).catch(() => undefined);
    }
  }

  #hear(event: Event): void {
    this.history.heard(event);
    this.#model.take(event);
    for (const { line } of this.#exclusives) line.take(event);
    if (event.type === 'put') return;
    const key = toText(event.kv.key);
    if (key.startsWith(LEASED)) this.leases.foundGone(key, 'its deletion was seen');
  }

  /** After it nothing changes any more but what ends by itself. */
  async #lastWrite(): Promise<number> {
    const deadlineMs = performance.now() + END_MS;
    for (;;) {
      try {
        return (await (this.#stores[0] as Store).put(`${KEYS}end`, 'now')).revision;
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadlineMs) throw error;
        await rest(100, this.verdict.signal);
      }
    }
  }

  async #checkAbandoned(): Promise<void> {
    const { abandoned } = this.leases;
    await this.#cluster.until(
      `leases that nobody renews have ended: ${[...abandoned].join(', ')}`,
      async () => abandoned.size === 0,
      ABANDONED_MS,
    );
  }

  /** All members stand at one index, with one hash, and each by itself answers what the history says. */
  async #checkMembers(): Promise<void> {
    const members = this.#cluster.members;
    await this.#cluster.until(
      'all members have applied the same, and the witness has heard it',
      async () => {
        const all = await Promise.all(members.map((member) => this.#cluster.statusOf(member)));
        const [first] = all;
        const isSame = all.every((status) => first && status?.appliedIndex === first.appliedIndex);
        return isSame && this.watchers.revision === first?.revision;
      },
      END_MS,
    );
    const revision = this.watchers.revision;
    const hashes = await Promise.all(members.map((member) => this.#cluster.asking(member).hashKv(revision)));
    if (new Set(hashes.map(({ hash, compactRevision }) => `${hash} ${compactRevision}`)).size > 1) {
      this.verdict.violation(`at revision ${revision} members differ: ${JSON.stringify(hashes)}`);
    }
    for (const { name, clientUrl } of members) {
      const store = await connect(clientUrl);
      const { kvs } = await store.range(everything(), { serializable: true, revision });
      this.#model.compare(kvs, name, this.verdict);
      await store.close();
    }
  }

  async #close(): Promise<void> {
    await this.watchers.stop();
    await Promise.all(this.#stores.splice(0).map((store) => store.close()));
  }
}
