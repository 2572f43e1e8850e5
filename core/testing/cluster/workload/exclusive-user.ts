import { hasCode } from '../../../base/errors.js';
import { between } from '../../../base/prng.js';
import type { Store } from '../../../store.js';
import { put } from '../../../txn.js';
import { Election } from '../../../../recipes/election/election.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { Session } from '../../../../recipes/session/session.js';
import type { History } from '../../checkers/history/history.js';
import { ExclusiveLine, guardedValue } from './exclusive-line.js';
import type { FreezableClock } from './freezable-clock.js';
import { GUARDED, isPassing, keepAtIt, rest, type Surroundings } from './surroundings.js';
import type { Verdict } from './verdict.js';

const TTL_MS = 4_000;
/** Now and then a holder is frozen for longer than its lease lives, and goes on as if nothing had been. */
const FREEZE_ODDS = 0.04;
const FROZEN_MS = TTL_MS * 1.4;
const ACQUIRE_TIMEOUT_MS = 20_000;
const WRITES_MAX = 4;
const HOLD_MS_MAX = 60;

/** Something that one at a time may have, and everybody who believes to have it now. */
export interface Exclusive {
  readonly kind: 'mutex' | 'election';
  readonly name: string;
  readonly line: ExclusiveLine;
  readonly guardedKey: string;
  readonly holding: Map<string, Held>;
  /** How often a holder was frozen past its lease. */
  frozenCount: number;
}

/** A lock, or an election, by the name that all its users give. */
export function exclusive(kind: 'mutex' | 'election', name: string, verdict: Verdict): Exclusive {
  const guardedKey = `${GUARDED}${kind}/${name}`;
  const linePrefix = `conclave/${kind}/${name}/${kind === 'mutex' ? 'q' : 'c'}/`;
  const line = new ExclusiveLine(`${kind} ${name}`, { linePrefix, guardedKey, verdict });
  return { kind, name, line, guardedKey, holding: new Map(), frozenCount: 0 };
}

/**
 * Takes it, writes under its protection, gives it back, again and again. All users are in this process, by one clock: so
 * nobody may believe to hold while another does.
 */
export async function exclusiveUser(user: string, of: Exclusive, surroundings: HolderSurroundings): Promise<void> {
  const { prng, signal, store, verdict } = surroundings;
  const taker = new Taker(of, store);
  let n = 0;
  await keepAtIt(surroundings, user, async () => {
    const held = await acquire(user, of, { ...surroundings, taker });
    of.holding.set(user, held);
    try {
      of.line.granted({ token: held.fencingToken, holder: user });
      lookForOthers(user, of, verdict);
      if (prng.next() < FREEZE_ODDS) await freeze(user, of, surroundings);
      for (let left = between(prng, 1, WRITES_MAX); left > 0; left -= 1) {
        n += 1;
        await guardedWrite({ user, id: `${user}.${n}`, of, held }, surroundings);
        await rest(between(prng, 0, HOLD_MS_MAX), signal);
      }
    } finally {
      of.holding.delete(user);
      await release(user, of, { held, holds: surroundings.holds });
    }
  });
  await taker.dispose();
}

/** What a user of locks is given beside what all are. */
export interface HolderSurroundings extends Surroundings {
  /** The clock of its own connection. */
  readonly clock: FreezableClock;
  /** Who was granted what, when, as the model of a lock has it. */
  readonly holds: History;
}

/**
 * The lease is as old as its latest renewal: of what it has left, only what the session is sure of is recorded. Whoever gives
 * up may have been granted it for a moment, and lost it, without anybody having been told.
 */
async function acquire(
  user: string,
  { kind, name }: Exclusive,
  { taker, signal, holds }: HolderSurroundings & { readonly taker: Taker },
): Promise<Held> {
  const id = holds.begin(user, { op: 'acquire', key: `${kind} ${name}`, ttl: 0 });
  const calledMs = performance.now();
  try {
    const held = await taker.take(signal);
    const ttl = Math.max(0, Math.floor((taker.safeUntilMs - calledMs) * 1_000));
    holds.ok(id, { token: held.fencingToken, ttl });
    return held;
  } catch (error) {
    holds.failed(id);
    throw error;
  }
}

async function release(
  user: string,
  { kind, name }: Exclusive,
  { held, holds }: { readonly held: Held; readonly holds: History },
): Promise<void> {
  const id = holds.begin(user, { op: 'release', key: `${kind} ${name}`, token: held.fencingToken });
  // Lost: before, or nobody knows.
  if ((await held.release()) === 'released') holds.ok(id, { result: true });
  else holds.unknown(id);
}

async function freeze(user: string, of: Exclusive, { clock, signal, verdict }: HolderSurroundings): Promise<void> {
  const held = of.holding.get(user) as Held;
  // Who is frozen believes nothing.
  of.holding.delete(user);
  clock.freeze();
  await rest(FROZEN_MS, signal);
  clock.thaw();
  of.frozenCount += 1;
  of.holding.set(user, held);
  lookForOthers(user, of, verdict);
}

/** Takes a lock, or an office, again and again, with a session that it opens anew whenever one was lost. */
class Taker {
  readonly #of: Exclusive;
  readonly #store: Store;
  #session: Session | undefined;
  #recipe: Mutex | Election<string> | undefined;

  constructor(of: Exclusive, store: Store) {
    this.#of = of;
    this.#store = store;
  }

  /** Until when the lease of what was taken cannot have ended. */
  get safeUntilMs(): number {
    return this.#session?.safeUntilMs ?? 0;
  }

  async take(signal: AbortSignal): Promise<Held> {
    const recipe = await this.#current(signal);
    const options = { timeout: ACQUIRE_TIMEOUT_MS, signal };
    return recipe instanceof Mutex ? recipe.acquire(options) : recipe.campaign('me', options);
  }

  async dispose(): Promise<void> {
    await this.#recipe?.dispose();
    await this.#session?.close();
  }

  async #current(signal: AbortSignal): Promise<Mutex | Election<string>> {
    if (this.#recipe && this.#session?.signal.aborted === false) return this.#recipe;
    await this.dispose();
    const session = await Session.open(this.#store, { ttl: TTL_MS, signal });
    const { kind, name } = this.#of;
    const options = { name, session };
    this.#session = session;
    this.#recipe = kind === 'mutex' ? new Mutex(this.#store, options) : new Election<string>(this.#store, options);
    return this.#recipe;
  }
}

function lookForOthers(user: string, of: Exclusive, verdict: Pick<Verdict, 'earlyEnd'>): void {
  if (!believes(of.holding.get(user) as Held)) return;
  for (const [other, held] of of.holding) {
    if (other === user || !believes(held)) continue;
    verdict.earlyEnd(`${user} and ${other} both believe that they hold ${of.kind} ${of.name}`);
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

/** Also tried when the hold may be lost already: it is the store that must refuse it then. */
async function guardedWrite(
  { user, id, of, held }: { user: string; id: string; of: Exclusive; held: Held },
  { store, history, holds }: HolderSurroundings,
): Promise<void> {
  const value = guardedValue({ token: held.fencingToken, holder: user }, id);
  const guarded = holds.begin(user, { op: 'guarded', key: `${of.kind} ${of.name}`, token: held.fencingToken });
  const work = () => held.guard(store.txn()).do(put(of.guardedKey, value)).commit();
  const call = { op: 'put', key: of.guardedKey, value } as const;
  try {
    await history.track(user, call, { work, answerOf: ({ revision }) => ({ revision }) });
    holds.ok(guarded, { result: true });
  } catch (error) {
    if (hasCode(error, 'HOLD_LOST')) holds.ok(guarded, { result: false });
    // To the model of a lock, which does not know what is written, it makes no difference whether it was.
    else holds.failed(guarded);
    if (!isPassing(error)) throw error;
  }
}
