import type { PutResult } from '../../../base/operation.js';
import { between } from '../../../base/prng.js';
import { put } from '../../../txn.js';
import { Election } from '../../../../recipes/election/election.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { ExclusiveLine, guardedValue } from './exclusive-line.js';
import { KEYS, keepAtIt, outcomeOf, rest, type Surroundings } from './surroundings.js';
import type { Verdict } from './verdict.js';

const TTL = '4s';
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
}

/** A lock, or an election, by the name that all its users give. */
export function exclusive(kind: 'mutex' | 'election', name: string, verdict: Verdict): Exclusive {
  const guardedKey = `${KEYS}guarded/${kind}/${name}`;
  const linePrefix = `conclave/${kind}/${name}/${kind === 'mutex' ? 'q' : 'c'}/`;
  const line = new ExclusiveLine(`${kind} ${name}`, { linePrefix, guardedKey, verdict });
  return { kind, name, line, guardedKey, holding: new Map() };
}

/**
 * Takes it, writes under its protection, gives it back, again and again. All users are in this process, by one clock: so
 * nobody may believe to hold while another does.
 */
export async function exclusiveUser(user: string, of: Exclusive, surroundings: Surroundings): Promise<void> {
  const taker = takerOf(of, surroundings);
  let n = 0;
  await keepAtIt(surroundings, user, async () => {
    const held = await taker.take(surroundings.signal);
    of.holding.set(user, held);
    try {
      of.line.granted({ token: held.fencingToken, holder: user });
      lookForOthers(user, of, surroundings.verdict);
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

interface Taker {
  take(signal: AbortSignal): Promise<Held>;
  dispose(): Promise<void>;
}

function takerOf({ kind, name }: Exclusive, { store }: Surroundings): Taker {
  if (kind === 'mutex') {
    const mutex = new Mutex(store, { name, ttl: TTL });
    return {
      take: (signal) => mutex.acquire({ timeout: ACQUIRE_TIMEOUT, signal }),
      dispose: () => mutex.dispose(),
    };
  }
  const election = new Election<string>(store, { name, ttl: TTL });
  return {
    take: (signal) => election.campaign('me', { timeout: ACQUIRE_TIMEOUT, signal }),
    dispose: () => election.dispose(),
  };
}

function lookForOthers(user: string, of: Exclusive, verdict: Verdict): void {
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
  { store, ledger }: Surroundings,
): Promise<void> {
  ledger.begun(id, of.guardedKey);
  try {
    const value = guardedValue({ token: held.fencingToken, holder: user }, id);
    const { responses } = await held.guard(store.txn()).do(put(of.guardedKey, value)).commit();
    ledger.acknowledged(id, (responses[0] as PutResult).revision);
  } catch (error) {
    ledger[outcomeOf(error)](id);
  }
}
