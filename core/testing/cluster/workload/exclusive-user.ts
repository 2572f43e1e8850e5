import { between } from '../../../base/prng.js';
import type { Held } from '../../../../recipes/held.js';
import type { History } from '../../checkers/history/history.js';
import { ExclusiveLine } from './exclusive-line.js';
import type { FreezableClock } from './freezable-clock.js';
import { believes, Holder } from './holder.js';
import { GUARDED, keepAtIt, rest, type Surroundings } from './surroundings.js';
import { type ExclusiveName, Taker } from './taker.js';
import type { Verdict } from './verdict.js';

const TTL_MS = 4_000;
/** Now and then a holder is frozen for longer than its lease lives, and goes on as if nothing had been. */
const FREEZE_ODDS = 0.04;
const FROZEN_MS = TTL_MS * 1.4;
const ACQUIRE_TIMEOUT_MS = 20_000;
const WRITES_MAX = 4;
const HOLD_MS_MAX = 60;

/** Something that one at a time may have, and everybody who believes to have it now. */
export interface Exclusive extends ExclusiveName {
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
  const { prng, signal, store, verdict, history, holds } = surroundings;
  const taker = new Taker(of, { store, ttlMs: TTL_MS, candidate: 'me' });
  const holder = new Holder(user, of, { store, taker, history, holds, nowMs: () => performance.now() });
  let n = 0;
  await keepAtIt(surroundings, user, async () => {
    const held = await holder.acquire({ timeout: ACQUIRE_TIMEOUT_MS, signal });
    of.holding.set(user, held);
    try {
      of.line.granted({ token: held.fencingToken, holder: user });
      lookForOthers(user, of, verdict);
      if (prng.next() < FREEZE_ODDS) await freeze(user, of, surroundings);
      for (let left = between(prng, 1, WRITES_MAX); left > 0; left -= 1) {
        n += 1;
        await holder.write(held, `${user}.${n}`);
        await rest(between(prng, 0, HOLD_MS_MAX), signal);
      }
    } finally {
      of.holding.delete(user);
      await holder.release(held);
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

function lookForOthers(user: string, of: Exclusive, verdict: Pick<Verdict, 'earlyEnd'>): void {
  if (!believes(of.holding.get(user) as Held)) return;
  for (const [other, held] of of.holding) {
    if (other === user || !believes(held)) continue;
    verdict.earlyEnd(`${user} and ${other} both believe that they hold ${of.kind} ${of.name}`);
  }
}
