import { between } from '../../../base/prng.js';
import { put } from '../../../txn.js';
import { Election } from '../../../../recipes/election/election.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { ExclusiveLine, guardedValue } from './exclusive-line.js';
import type { FreezableClock } from './freezable-clock.js';
import { GUARDED, isPassing, keepAtIt, rest, type Surroundings } from './surroundings.js';
import type { Verdict } from './verdict.js';

const TTL_MS = 4_000;
/** Now and then a holder is frozen for longer than its lease lives, and goes on as if nothing had been. */
const FREEZE_ODDS = 0.04;
const FROZEN_MS = TTL_MS * 1.4;
const ACQUIRE_TIMEOUT = '20s';
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
export async function exclusiveUser(
  user: string,
  of: Exclusive,
  surroundings: Surroundings & { readonly clock: FreezableClock },
): Promise<void> {
  const taker = takerOf(of, surroundings);
  let n = 0;
  await keepAtIt(surroundings, user, async () => {
    const held = await taker.take(surroundings.signal);
    of.holding.set(user, held);
    try {
      of.line.granted({ token: held.fencingToken, holder: user });
      lookForOthers(user, of, surroundings.verdict);
      if (surroundings.prng.next() < FREEZE_ODDS) await freeze(user, of, surroundings);
      for (let left = between(surroundings.prng, 1, WRITES_MAX); left > 0; left -= 1) {
        n += 1;
        await guardedWrite({ user, id: `${user}.${n}`, of, held }, surroundings);
        await rest(between(surroundings.prng, 0, HOLD_MS_MAX), surroundings.signal);
      }
    } finally {
      of.holding.delete(user);
      await held.release();
    }
  });
  await taker.dispose();
}

async function freeze(
  user: string,
  of: Exclusive,
  { clock, signal, verdict }: Surroundings & { readonly clock: FreezableClock },
): Promise<void> {
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

interface Taker {
  take(signal: AbortSignal): Promise<Held>;
  dispose(): Promise<void>;
}

function takerOf({ kind, name }: Exclusive, { store }: Surroundings): Taker {
  if (kind === 'mutex') {
    const mutex = new Mutex(store, { name, ttl: TTL_MS });
    return {
      take: (signal) => mutex.acquire({ timeout: ACQUIRE_TIMEOUT, signal }),
      dispose: () => mutex.dispose(),
    };
  }
  const election = new Election<string>(store, { name, ttl: TTL_MS });
  return {
    take: (signal) => election.campaign('me', { timeout: ACQUIRE_TIMEOUT, signal }),
    dispose: () => election.dispose(),
  };
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
  { store, history }: Surroundings,
): Promise<void> {
  const value = guardedValue({ token: held.fencingToken, holder: user }, id);
  const call = { op: 'put', key: of.guardedKey, value } as const;
  const work = () => held.guard(store.txn()).do(put(of.guardedKey, value)).commit();
  // A write that is refused, or of which nobody knows, is no failure of its writer.
  await history.track(user, call, { work, answerOf: ({ revision }) => ({ revision }) }).catch((error: unknown) => {
    if (!isPassing(error)) throw error;
  });
}
