import { between } from '../../../base/prng.js';
import { History } from '../../checkers/history/history.js';
import { isOwned, judge } from '../../cluster/workload/judge.js';
import { Progress } from '../../cluster/workload/progress.js';
import type { Invariants } from '../invariants/watch-invariants.js';
import type { World } from '../world.js';
import { Crew, type CrewParts, embedded, type Employed, prngOf, type Worker } from './crew.js';
import { Judge } from './judge.js';
import type { SharedQueue } from './queue-user.js';
import { type Role, Roles } from './roles.js';
import type { Surroundings } from './surroundings.js';

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
/** Within this watches have told everything, and whoever consumes a queue has drained a round. */
const CATCHING_UP_MS = 20_000;
/** Beyond its TTL a lease lives for as long as elections take, and the TTL again for each change of leader. */
const LEASES_MS = 30_000;
/** Within this a round is drained by consumers who give much of it back. */
const DRAINING_MS = 240_000;
const EMBEDDED_SHARE = 0.3;
/** For each key, lock and election. */
const SEARCH_STEPS_MAX = 1_000_000;

/** Everything that people do with a store, at once, in the processes of a world; and what was promised to them. */
export class Workload {
  readonly judge: Judge;
  readonly #holds: History;
  readonly #world: World;
  readonly #options: WorkloadOptions;
  readonly #roles: Roles;
  readonly #progress: Progress;
  readonly #crews: Crew[] = [];
  readonly #counts = new Map<string, number>();
  #isOver = false;

  private constructor(world: World, options: WorkloadOptions) {
    const { chronicle } = options.invariants;
    const nowMs = () => world.scheduler.now();
    const report = this.#report;
    this.#world = world;
    this.#options = options;
    this.#progress = new Progress(nowMs);
    this.judge = new Judge({ chronicle, report, nowMs, isOwned });
    this.#holds = new History({ nowMs });
    const prng = world.chance('workload');
    this.#roles = new Roles({ chronicle, report, prng, keyCount: options.keyCount ?? 8 });
  }

  /** Begins the work, in clients of the world and in some of its members. */
  static async start(world: World, options: WorkloadOptions): Promise<Workload> {
    const workload = new Workload(world, options);
    workload.#employAll();
    workload.#look();
    return workload;
  }

  /** What was answered so far: to calls that are judged by themselves, and to recipes. */
  get operations(): number {
    // What is counted by kind is not recorded, but for ranges.
    const others = [...this.#counts].filter(([what]) => !what.endsWith('range'));
    return others.reduce((sum, [, count]) => sum + count, this.judge.judgedCount);
  }

  /** What was done and met so far, and how often. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Ends the work. All is well again, so whoever is behind catches up, and everything that is under way comes to its end. */
  async stop(): Promise<void> {
    const { revision } = this.#options.invariants.chronicle;
    const { watches, queue } = this.#roles;
    await this.#isSoon(
      () => watches.haveBeenTold(revision),
      CATCHING_UP_MS,
      `no watch lacks anything up to ${revision}`,
    );
    await this.#drained(queue);
    this.#isOver = true;
    for (const crew of this.#crews) crew.stop();
    const atWork = () => this.#crews.flatMap((crew) => crew.atWork);
    await this.#isSoon(
      () => atWork().length === 0,
      ENDING_MS,
      'all work has ended',
      () => atWork().join(', '),
    );
  }

  /**
   * What can be said only at the end: what leases held is gone, everybody lets go of what they had, and the whole history
   * is in order.
   */
  async check(): Promise<void> {
    const { leases } = this.#options.invariants.chronicle;
    const left = () => [...leases.keys()].map((id) => id.toString(16)).join(', ');
    await this.#isSoon(() => leases.size === 0, LEASES_MS, 'all leases have ended', left);
    const closing = this.#crews.map((crew) => crew.close());
    await this.#isSoon(
      () => this.#timersLeft() === '',
      ENDING_MS,
      'no timer is left',
      () => this.#timersLeft(),
    );
    await Promise.all(closing);
    this.#judge();
  }

  /** All of it at once, by replay and by search: what cannot be told is a finding, too. */
  #judge(): void {
    this.judge.finish();
    this.#holds.finish();
    const { toleratesEarlyLeases } = this.#options;
    const { findings } = judge(this.judge, {
      firstRevision: 2,
      search: { stepsMax: SEARCH_STEPS_MAX },
      ...(!toleratesEarlyLeases && { holds: this.#holds }),
    });
    for (const finding of findings) this.#report(finding);
  }

  /** However long its items take whoever has them: as long as they are handed out and dealt with, it goes on. */
  async #drained(queue: SharedQueue): Promise<void> {
    const { check } = queue;
    const { round } = check.gate;
    const isDrained = () => check.gate.state === 'closed' || check.gate.round > round;
    const deadlineMs = this.#world.scheduler.now() + DRAINING_MS;
    while (!isDrained() && queue.isConsumed) {
      if (this.#world.scheduler.now() > deadlineMs) return this.#report(`round ${round} of the queue is never drained`);
      const { dealtWith } = check;
      const goesOn = () => isDrained() || !queue.isConsumed || check.dealtWith > dealtWith;
      await this.#isSoon(goesOn, CATCHING_UP_MS, `round ${round} of the queue goes on`);
    }
  }

  readonly #report = (what: string): void => this.#world.violation(what);

  async #isSoon(isSo: () => boolean, patienceMs: number, what: string, why = () => ''): Promise<void> {
    const { scheduler } = this.#world;
    const deadlineMs = scheduler.now() + patienceMs;
    while (!isSo()) {
      if (scheduler.now() > deadlineMs)
        return this.#report(`it did not become so within ${patienceMs} ms that ${what} (${why()})`);
      await scheduler.sleep(LOOK_MS);
    }
  }

  readonly #look = (): void => {
    if (this.#isOver) return;
    for (const crew of this.#crews) crew.look();
    this.#world.scheduler.after(LOOK_MS, this.#look);
  };

  /** Each works in one process, which others may share; most of them are clients. */
  #employAll(): void {
    const prng = this.#world.chance('workload');
    const { clients, members } = this.#world;
    const places = [...clients, ...members].map(() => [] as Worker[]);
    for (const role of this.#roles.draw()) {
      const isEmbedded = clients.length === 0 || prng.next() < EMBEDDED_SHARE;
      const [first, count] = isEmbedded ? [clients.length, members.length] : [0, clients.length];
      (places[first + between(prng, 0, count - 1)] as Worker[]).push(this.#worker(role));
    }
    places.forEach((workers, at) => {
      if (workers.length === 0) return;
      const client = clients[at];
      if (client === undefined) this.#crew(embedded(members[at - clients.length]!, workers));
      else this.#crew({ process: client, openStore: () => client.store(), workers });
    });
  }

  #crew(parts: Omit<CrewParts, 'world' | 'onFailure'>): void {
    this.#crews.push(new Crew({ ...parts, world: this.#world, onFailure: this.#report }));
  }

  #worker({ kind, play }: Role): Worker {
    return { kind, work: (employed) => play(this.#surroundings(employed)) };
  }

  #surroundings({ name, store, signal, isAlive, process, seed }: Employed): Surroundings {
    const { chronicle, leases } = this.#options.invariants;
    return {
      name,
      store,
      prng: prngOf(seed),
      history: this.judge,
      holds: this.#holds,
      progress: this.#progress,
      verdict: { violation: this.#report, earlyEnd: this.#earlyEnd },
      signal,
      chronicle,
      leases,
      nowMs: () => this.#world.scheduler.now(),
      isAlive,
      failed: (what) => isAlive() && this.#report(what),
      isPaused: () => process.isPaused,
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

  /** A client whose stores are closed waits for nothing. */
  #timersLeft(): string {
    const { clients } = this.#world;
    const busy = clients.filter((client) => client.isRunning && client.clock.timerCount > 0);
    return busy.map(({ name, clock }) => `${clock.timerCount} of ${name}`).join(', ');
  }
}
