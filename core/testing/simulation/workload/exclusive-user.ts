import { hasCode } from '../../../base/errors.js';
import type { Event } from '../../../base/key-value.js';
import { between } from '../../../base/prng.js';
import { put } from '../../../txn.js';
import { Election } from '../../../../recipes/election/election.js';
import type { Held } from '../../../../recipes/held.js';
import { Mutex } from '../../../../recipes/mutex/mutex.js';
import { ExclusiveLine, guardedValue } from '../../cluster/workload/exclusive-line.js';
import { isPassing } from '../../cluster/workload/surroundings.js';
import type { Chronicle } from '../invariants/chronicle.js';
import { chance, KEYS, keepAtIt, rest, restUpTo, type Surroundings } from './surroundings.js';

const TTLS_MS = [2_000, 3_000, 5_000] as const;
const ACQUIRE_MS_MAX = 9_000;
const WRITES_MAX = 4;
const HOLD_MS_MAX = 400;
/** Now and then somebody sits on it for longer than its lease would live without renewals. */
const LONG_ODDS = 0.1;
const PAUSE_MS_MAX = 2_500;

type Kind = 'mutex' | 'election';

interface Holder {
  readonly held: Held;
  readonly isAwake: () => boolean;
}

/** Something that one at a time may have, and everybody who believes to have it now. */
export class Exclusive {
  readonly kind: Kind;
  readonly name: string;
  readonly linePrefix: string;
  readonly guardedKey: string;
  readonly line: ExclusiveLine;
  readonly ttlMs: number;
  readonly holding = new Map<string, Holder>();

  constructor(
    kind: Kind,
    name: string,
    ttlMs: number,
    parts: { readonly chronicle: Chronicle; readonly report: (what: string) => void },
  ) {
    this.kind = kind;
    this.name = name;
    this.ttlMs = ttlMs;
    this.linePrefix = `conclave/${kind}/${name}/${kind === 'mutex' ? 'q' : 'c'}/`;
    this.guardedKey = `${KEYS}guarded/${kind}/${name}`;
    const verdict = { violation: parts.report };
    this.line = new ExclusiveLine(`${kind} ${name}`, {
      linePrefix: this.linePrefix,
      guardedKey: this.guardedKey,
      verdict,
    });
    parts.chronicle.listen({
      revision: (_, events: readonly Event[]) => events.forEach((event) => this.line.take(event)),
    });
  }

  static ttlMs(draw: number): number {
    return TTLS_MS[Math.floor(draw * TTLS_MS.length)] as number;
  }
}

/** Takes it, writes under its protection, also when it may be lost already, gives it back, again and again. */
export async function exclusiveUser(of: Exclusive, surroundings: Surroundings): Promise<void> {
  const taker = takerOf(of, surroundings);
  let n = 0;
  await keepAtIt(surroundings, surroundings.name, async () => {
    await restUpTo(surroundings, PAUSE_MS_MAX);
    const held = await taker.take(surroundings.signal);
    const { name, prng, isAlive, isPaused, count } = surroundings;
    count(`${of.kind} held`);
    of.holding.set(name, { held, isAwake: () => isAlive() && !isPaused() });
    try {
      of.line.granted({ token: held.fencingToken, holder: name });
      lookForOthers(of, held, surroundings);
      for (let left = between(prng, 1, WRITES_MAX); left > 0; left -= 1) {
        n += 1;
        await guardedWrite(of, held, `${name}.${n}`, surroundings);
        await rest(surroundings, between(prng, 0, chance(surroundings, LONG_ODDS) ? 1.5 * of.ttlMs : HOLD_MS_MAX));
      }
    } finally {
      of.holding.delete(name);
      await held.release();
    }
  });
  await taker.dispose();
}

interface Taker {
  take(signal: AbortSignal): Promise<Held>;
  dispose(): Promise<void>;
}

function takerOf({ kind, name, ttlMs }: Exclusive, surroundings: Surroundings): Taker {
  const { store, prng } = surroundings;
  const options = { name, ttl: ttlMs };
  const within = (signal: AbortSignal) => ({ timeout: between(prng, 1, ACQUIRE_MS_MAX), signal });
  if (kind === 'mutex') {
    const mutex = new Mutex(store, options);
    return { take: (signal) => mutex.acquire(within(signal)), dispose: () => mutex.dispose() };
  }
  const election = new Election<string>(store, options);
  return { take: (signal) => election.campaign(surroundings.name, within(signal)), dispose: () => election.dispose() };
}

/** Of those who can do something at this moment, no two may believe that they hold. Who stands still believes nothing. */
function lookForOthers(of: Exclusive, held: Held, { name, verdict }: Surroundings): void {
  if (!believes(held)) return;
  for (const [other, holder] of of.holding) {
    if (other === name || !holder.isAwake() || !believes(holder.held)) continue;
    verdict.earlyEnd(`${name} and ${other} both believe that they hold ${of.kind} ${of.name}`);
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

/** It is the store that must refuse it when the hold is lost; {@link ExclusiveLine} sees what lands. */
async function guardedWrite(
  of: Exclusive,
  held: Held,
  id: string,
  { store, name, count }: Surroundings,
): Promise<void> {
  const value = guardedValue({ token: held.fencingToken, holder: name }, id);
  try {
    await held.guard(store.txn()).do(put(of.guardedKey, value)).commit();
    count('guarded write');
  } catch (error) {
    if (hasCode(error, 'HOLD_LOST')) count('guarded write of a stale holder');
    else if (!isPassing(error)) throw error;
  }
}
