import { toText } from '../../../base/bytes.js';
import { hasCode } from '../../../base/errors.js';
import { everything } from '../../../base/key-range.js';
import { between, type Prng, seededPrng } from '../../../base/prng.js';
import { sleep } from '../../../base/clock.js';
import { open } from '../../../embedded/open.js';
import type { Store } from '../../../store.js';
import { put } from '../../../txn.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { FaultyStore } from '../../../../recipes/testing/faulty-store.js';
import { ExclusiveLine, guardedValue } from '../../cluster/workload/exclusive-line.js';
import { FreezableClock } from '../../cluster/workload/freezable-clock.js';
import { isPassing } from '../../cluster/workload/surroundings.js';
import { Verdict } from '../../cluster/workload/verdict.js';
import { ManualClock } from '../../manual-clock.js';
import type { Drill, DrillOptions, DrillResult } from './drill.js';

const TTL_MS = 4_000;
const LOCKS = 40;
const USERS_A_LOCK = 3;
const FROZEN_ODDS = 0.8;
const STEP_MS = 1_000;
const TOLD_EVERY = 5_000;
const WORK_MS_MOST = 50;
const GUARDED = 'guarded/';
const LINES = 'conclave/mutex/';

/**
 * Holders of locks are frozen past their leases, as by SIGSTOP, while others take the lock; then they write under its
 * protection as if nothing had been. Rounds are acquisitions after which the holder was frozen. All users and a store of one
 * member are in this process, on a clock that is turned by hand; each user has a clock and sessions of its own.
 */
export const staleHolders: Drill = { name: 'stale-holders', rounds: 100_000, run };

interface Tally {
  acquisitions: number;
  /** Holders that were frozen past their lease. */
  frozen: number;
  /** Of these, whose lock was another's when they thawed. */
  stale: number;
  guardedWrites: number;
  refusedWrites: number;
  staleWritesRefused: number;
}

async function run({ rounds, seed, signal, tell }: DrillOptions): Promise<DrillResult> {
  const clock = new ManualClock();
  const store = await open({ memory: true }, { clock, prng: seededPrng(seed) });
  const verdict = new Verdict();
  const tally = { acquisitions: 0, frozen: 0, stale: 0, guardedWrites: 0, refusedWrites: 0, staleWritesRefused: 0 };
  const stop = new AbortController();
  const locks = Array.from({ length: LOCKS }, (_, at) => lockOf(at, verdict));
  const listening = listen(store, locks, stop.signal);
  const users = locks.flatMap((lock, at) =>
    Array.from({ length: USERS_A_LOCK }, (_, nth) => {
      const prng = seededPrng(seed + 1 + at * USERS_A_LOCK + nth);
      return new User(`user-${at}-${nth}`, { lock, inner: store, clock, prng, verdict, tally });
    }),
  );
  const working = users.map((user) =>
    user.work(stop.signal).catch((error: unknown) => verdict.violation(`${user.name}: ${String(error)}`)),
  );
  let toldAt = TOLD_EVERY;
  while (tally.frozen < rounds && verdict.isClean && !signal.aborted) {
    await clock.advance(STEP_MS);
    if (tally.frozen >= toldAt) tell(JSON.stringify(tally));
    if (tally.frozen >= toldAt) toldAt += TOLD_EVERY;
  }
  stop.abort(new Error('enough'));
  for (const user of users) user.thaw();
  await clock.advance(TTL_MS);
  await Promise.all(working);
  await Promise.all([listening, store.close()]);
  return { violations: verdict.findings, figures: { ...tally, simulatedSeconds: Math.round(clock.now() / 1_000) } };
}

/** The guarded key and the line of one lock. */
interface Lock {
  readonly name: string;
  readonly guardedKey: string;
  readonly line: ExclusiveLine;
  /** The highest token that anybody was told of. */
  newestToken: number;
}

interface UserParts {
  readonly lock: Lock;
  readonly inner: Store;
  readonly clock: ManualClock;
  readonly prng: Prng;
  readonly verdict: Verdict;
  readonly tally: Tally;
}

/** One process that wants the lock again and again, with a clock of its own. */
class User {
  readonly name: string;
  readonly #parts: UserParts;
  readonly #clock: FreezableClock;
  readonly #store: FaultyStore;

  constructor(name: string, parts: UserParts) {
    this.name = name;
    this.#parts = parts;
    this.#clock = new FreezableClock(parts.clock);
    this.#store = new FaultyStore(parts.inner, { clock: this.#clock });
  }

  async work(signal: AbortSignal): Promise<void> {
    const mutex = new Mutex(this.#store, { name: this.#parts.lock.name, ttl: TTL_MS });
    while (!signal.aborted) {
      this.#store.calls.length = 0;
      try {
        await this.#holdOnce(await mutex.acquire({ signal }), signal);
      } catch (error) {
        if (!signal.aborted && !isPassing(error)) throw error;
      }
    }
    await mutex.dispose();
  }

  thaw(): void {
    this.#clock.thaw();
  }

  async #holdOnce(held: Held, signal: AbortSignal): Promise<void> {
    const { lock, clock, prng, tally } = this.#parts;
    tally.acquisitions += 1;
    lock.newestToken = Math.max(lock.newestToken, held.fencingToken);
    lock.line.granted({ token: held.fencingToken, holder: this.name });
    try {
      if (prng.next() < FROZEN_ODDS) await this.#freeze(held, signal);
      else await sleep(clock, between(prng, 0, WORK_MS_MOST), signal);
      await this.#write(held);
    } finally {
      await held.release();
    }
  }

  async #freeze(held: Held, signal: AbortSignal): Promise<void> {
    const { lock, clock, prng, tally, verdict } = this.#parts;
    this.#clock.freeze();
    await sleep(clock, between(prng, TTL_MS * 1.05, TTL_MS * 2.5), signal).catch(() => undefined);
    this.#clock.thaw();
    tally.frozen += 1;
    const isStale = lock.newestToken > held.fencingToken;
    if (isStale) tally.stale += 1;
    if (isStale && believes(held))
      verdict.violation(`${this.name} believes that it holds ${lock.name}, which is another's`);
  }

  async #write(held: Held): Promise<void> {
    const { lock, verdict, tally } = this.#parts;
    const wasStale = lock.newestToken > held.fencingToken;
    try {
      const value = guardedValue({ token: held.fencingToken, holder: this.name }, this.name);
      await held.guard(this.#store.txn()).do(put(lock.guardedKey, value)).commit();
      tally.guardedWrites += 1;
      if (wasStale) verdict.violation(`${this.name} wrote to ${lock.name}, which was another's`);
    } catch (error) {
      if (!hasCode(error, 'HOLD_LOST')) throw error;
      tally.refusedWrites += 1;
      if (wasStale) tally.staleWritesRefused += 1;
    }
  }
}

function believes(held: Held): boolean {
  try {
    held.assertHeld();
    return true;
  } catch {
    return false;
  }
}

function lockOf(at: number, verdict: Verdict): Lock {
  const [name, guardedKey] = [`lock-${at}`, `${GUARDED}lock-${at}`];
  const line = new ExclusiveLine(name, { linePrefix: `${LINES}${name}/q/`, guardedKey, verdict });
  return { name, guardedKey, line, newestToken: 0 };
}

/** Tells each lock's line what happens to it in the store. */
async function listen(store: Store, locks: readonly Lock[], signal: AbortSignal): Promise<void> {
  const byName = new Map(locks.map((lock) => [lock.name, lock]));
  try {
    for await (const { events } of store.watch(everything(), { signal })) {
      for (const event of events) {
        const name = /lock-\d+/.exec(toText(event.kv.key))?.[0] ?? '';
        byName.get(name)?.line.take(event);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
