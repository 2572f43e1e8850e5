import { setMaxListeners } from 'node:events';
import { toText } from '../../../base/bytes.js';
import { everything } from '../../../base/key-range.js';
import type { Event } from '../../../base/key-value.js';
import { type Prng, seededPrng } from '../../../base/prng.js';
import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import type { ProcessCluster } from '../process-cluster.js';
import { type Exclusive, exclusive, exclusiveUser } from './exclusive-user.js';
import { LeaseBook } from './lease-book.js';
import { LEASED, leaseUser } from './lease-user.js';
import { Model } from './model.js';
import { type ReadCount, reader } from './reader.js';
import { isPassing, KEYS, rest, type Surroundings } from './surroundings.js';
import { Verdict } from './verdict.js';
import { HistoryBoard, WatchOrder } from './watch-order.js';
import { WriteLedger } from './write-ledger.js';
import { writer, writerKeys } from './writer.js';

const END_MS = 45_000;
/** A lease ends no later than its TTL, two election timeouts, and a TTL for each change of leader; here after all is well. */
const ABANDONED_MS = 15_000;
const NO_ID = new Set([LEASED, `${KEYS}end`]);

/** How many of each kind are at work. */
export interface WorkloadSizes {
  readonly writers?: number;
  readonly readers?: number;
  readonly lockUsers?: number;
  readonly electors?: number;
  readonly leaseUsers?: number;
  readonly watchers?: number;
}

/**
 * Everything that people do with a cluster, at once, on a cluster to which anything may happen meanwhile; and a check of every
 * promise. What is kept is bounded by what is open, so it can go on for hours.
 */
export class Workload {
  readonly verdict: Verdict;
  readonly ledger: WriteLedger;
  readonly leases: LeaseBook;
  readonly reads: ReadCount = { readCount: 0 };
  readonly #cluster: ProcessCluster;
  readonly #stop = new AbortController();
  readonly #stopWatching = new AbortController();
  readonly #board: HistoryBoard;
  readonly #model = new Model();
  readonly #exclusives: readonly Exclusive[];
  readonly #stores: Store[] = [];
  readonly #watchers: WatchOrder[] = [];
  readonly #watching: Promise<void>[] = [];
  #working: Promise<void>[] = [];
  #fromRevision = 1;

  private constructor(cluster: ProcessCluster) {
    this.#cluster = cluster;
    this.verdict = new Verdict({ toleratesEarlyLeases: !cluster.program.keepsLeases });
    this.ledger = new WriteLedger(this.verdict);
    this.leases = new LeaseBook(this.verdict);
    this.#board = new HistoryBoard(this.verdict);
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

  /** One line about what was done so far. */
  get summary(): string {
    const { acknowledgedCount, refusedCount, unknownCount, openCount } = this.ledger;
    const grants = this.#exclusives.map(({ kind, line }) => `${line.grantCount} ${kind} grants`).join(', ');
    return (
      `${acknowledgedCount} writes acknowledged, ${refusedCount} refused, ${unknownCount} unknown (${openCount} open), ` +
      `${this.reads.readCount} linearizable reads, ${grants}, ${this.leases.renewalCount} renewals, ` +
      `${this.#board.comparisonCount} segments of history compared`
    );
  }

  /**
   * Ends the work, which must be possible by now, and checks everything: every member has caught up and answers the same,
   * which is what the history says.
   *
   * @throws with every violation that was found
   */
  async finish(): Promise<void> {
    try {
      this.ledger.measureGaps(false);
      this.#stop.abort(new Error('the work is over'));
      await Promise.all(this.#working);
      this.verdict.check();
      const revision = await this.#lastWrite();
      await this.#cluster.until(
        `all watches have come to revision ${revision}`,
        async () => !this.verdict.isClean || this.#watchers.every((watcher) => watcher.revision >= revision),
        END_MS,
      );
      this.ledger.sweep();
      this.verdict.check();
      await this.#checkAbandoned();
      await this.#checkMembers();
      this.verdict.check();
    } finally {
      await this.#close();
    }
  }

  /** Ends everything without a check, as after a failure elsewhere. */
  async abandon(): Promise<void> {
    this.#stop.abort(new Error('the work is abandoned'));
    await this.#close();
    await Promise.all(this.#working);
  }

  async #start(seed: number, sizes: WorkloadSizes): Promise<void> {
    const { writers = 6, readers = 2, lockUsers = 3, electors = 2, leaseUsers = 3, watchers = 3 } = sizes;
    const prng = seededPrng(seed);
    const first = await this.#connect(prng);
    this.#fromRevision = (await first.put(`${KEYS}end`, 'not yet')).revision + 1;
    for (let at = 0; at < watchers; at += 1) this.#watch(at === 0 ? first : await this.#connect(prng), at);
    const [lock, election] = this.#exclusives as [Exclusive, Exclusive];
    const names = Array.from({ length: writers }, (_, at) => `writer-${at}`);
    const keys = writerKeys(names);
    await this.#employ(prng, writers, (at, with_) => writer(names[at] as string, with_));
    await this.#employ(prng, readers, (at, with_) => reader(`reader-${at}`, keys, with_, this.reads));
    await this.#employ(prng, lockUsers, (at, with_) => exclusiveUser(`locker-${at}`, lock, with_));
    await this.#employ(prng, electors, (at, with_) => exclusiveUser(`elector-${at}`, election, with_));
    await this.#employ(prng, leaseUsers, (at, with_) => leaseUser(`lessee-${at}`, this.leases, with_));
    this.ledger.measureGaps(true);
  }

  /** Each has a connection and a source of chance of its own. */
  async #employ(prng: Prng, count: number, work: (at: number, with_: Surroundings) => Promise<void>): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const own = seededPrng(Math.floor(prng.next() * 2 ** 32));
      const with_ = {
        store: await this.#connect(own),
        prng: own,
        ledger: this.ledger,
        verdict: this.verdict,
        signal: this.#stop.signal,
      };
      const working = work(at, with_).catch((error: unknown) => this.verdict.violation(String(error)));
      this.#working.push(working);
    }
  }

  async #connect(prng: Prng): Promise<Store> {
    const store = await connect(this.#cluster.url, { prng });
    this.#stores.push(store);
    return store;
  }

  /** The first of the watchers is the witness, from whom everything else is heard. */
  #watch(store: Store, at: number): void {
    const parts = { fromRevision: this.#fromRevision, verdict: this.verdict, board: this.#board };
    const order = new WatchOrder(`watcher-${at}`, parts);
    this.#watchers.push(order);
    this.#watching.push(this.#follow(store, order, at === 0));
  }

  async #follow(store: Store, order: WatchOrder, isWitness: boolean): Promise<void> {
    const { signal } = this.#stopWatching;
    try {
      for await (const batch of store.watch(everything(), { from: this.#fromRevision, progress: true, signal })) {
        order.take(batch);
        if (!isWitness) continue;
        for (const event of batch.events) this.#hear(event);
        this.ledger.seenUpTo(order.revision);
      }
    } catch (error) {
      if (!signal.aborted) this.verdict.violation(`a watch ended: ${String(error)}`);
    }
  }

  #hear(event: Event): void {
    this.#model.take(event);
    for (const { line } of this.#exclusives) line.take(event);
    const key = toText(event.kv.key);
    if (event.type === 'delete') {
      if (key.startsWith(LEASED)) this.leases.foundGone(key, 'its deletion was seen');
    } else if (key.startsWith(KEYS) && ![...NO_ID].some((start) => key.startsWith(start))) {
      // A guarded value has more after the id.
      this.ledger.seen(toText(event.kv.value).split(' ', 1)[0] as string, event.kv.modRevision);
    }
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
        return isSame && this.#watchers[0]?.revision === first?.revision;
      },
      END_MS,
    );
    const revision = this.#watchers[0]?.revision ?? 0;
    const hashes = await Promise.all(members.map((member) => this.#cluster.asking(member).hashKv(revision)));
    if (new Set(hashes.map(({ hash, compactRevision }) => `${hash} ${compactRevision}`)).size > 1) {
      this.verdict.violation(`at revision ${revision} members differ: ${JSON.stringify(hashes)}`);
    }
    for (const { name, clientUrl } of members) {
      const store = await connect(clientUrl);
      const { kvs } = await store.range(everything(), { serializable: true, revision });
      const ours = kvs.filter(({ modRevision }) => modRevision >= this.#fromRevision);
      this.#model.compare(ours, name, this.verdict);
      await store.close();
    }
  }

  async #close(): Promise<void> {
    this.#stopWatching.abort();
    await Promise.all(this.#watching);
    await Promise.all(this.#stores.splice(0).map((store) => store.close()));
  }
}
