import type { Event } from '../../../base/key-value.js';
import { between } from '../../../base/prng.js';
import type { Held } from '../../../../recipes/held.js';
import type { Session } from '../../../../recipes/session/session.js';
import { sessionTimes } from '../../../../recipes/session/session-times.js';
import { ExclusiveLine } from '../../cluster/workload/exclusive-line.js';
import { believes, Holder } from '../../cluster/workload/holder.js';
import { GUARDED } from '../../cluster/workload/surroundings.js';
import { type ExclusiveName, Taker } from '../../cluster/workload/taker.js';
import type { Chronicle } from '../invariants/chronicle.js';
import { chance, keepAtIt, rest, restUpTo, type Surroundings } from './surroundings.js';

const TTLS_MS = [2_000, 3_000, 5_000] as const;
const ACQUIRE_MS_MAX = 9_000;
const WRITES_MAX = 4;
const HOLD_MS_MAX = 400;
/** Now and then somebody sits on it for longer than its lease would live without renewals. */
const LONG_ODDS = 0.1;
const PAUSE_MS_MAX = 2_500;

/** So many leave it to the recipe to open sessions; the others open them, and see until when they last. */
const LEAVES_SESSIONS_SHARE = 0.4;

type Kind = ExclusiveName['kind'];

interface Believer {
  readonly held: Held;
  readonly isAwake: () => boolean;
}

/** Something that one at a time may have, and everybody who believes to have it now. */
export class Exclusive implements ExclusiveName {
  readonly kind: Kind;
  readonly name: string;
  readonly linePrefix: string;
  readonly guardedKey: string;
  readonly line: ExclusiveLine;
  readonly ttlMs: number;
  readonly holding = new Map<string, Believer>();

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
    this.guardedKey = `${GUARDED}${kind}/${name}`;
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
  const { name, prng, signal, isAlive, isPaused, count } = surroundings;
  const taker = takerOf(of, surroundings);
  const holder = new Holder(name, of, { ...surroundings, taker });
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    await restUpTo(surroundings, PAUSE_MS_MAX);
    const held = await holder.acquire({ timeout: between(prng, 1, ACQUIRE_MS_MAX), signal });
    count(`${of.kind} held`);
    of.holding.set(name, { held, isAwake: () => isAlive() && !isPaused() });
    try {
      of.line.granted({ token: held.fencingToken, holder: name });
      lookForOthers(of, held, surroundings);
      for (let left = between(prng, 1, WRITES_MAX); left > 0; left -= 1) {
        n += 1;
        const end = await holder.write(held, `${name}.${n}`);
        if (end !== 'unanswered') count(end === 'written' ? 'guarded write' : 'guarded write of a stale holder');
        await rest(surroundings, between(prng, 0, chance(surroundings, LONG_ODDS) ? 1.5 * of.ttlMs : HOLD_MS_MAX));
      }
    } finally {
      of.holding.delete(name);
      await holder.release(held);
    }
  });
  await taker.dispose();
}

function takerOf(of: Exclusive, surroundings: Surroundings): Taker {
  const { store, name, verdict } = surroundings;
  return new Taker(of, {
    store,
    ttlMs: of.ttlMs,
    candidate: name,
    leavesSessions: chance(surroundings, LEAVES_SESSIONS_SHARE),
    onSession: (session, askedMs) => {
      const wrong = wrongInBelief(session, askedMs);
      if (wrong !== undefined) verdict.violation(`${name}: ${wrong}`);
    },
  });
}

/** Times are sums of fractions of milliseconds, and off by the last of their digits. */
const ROUNDING_MS = 1e-6;

/**
 * However long the answer took: the store may have begun to count when the lease was asked for. A session that has not been
 * renewed yet must be over by then, and the whole margin earlier.
 *
 * @param askedMs - when the lease was asked for, by the session's clock
 * @returns what is wrong with until when a session believes in its lease
 */
export function wrongInBelief(
  { lease, ttlMs, safeUntilMs }: Pick<Session, 'lease' | 'ttlMs' | 'safeUntilMs'>,
  askedMs: number,
): string | undefined {
  const lateMs = safeUntilMs - askedMs - sessionTimes(ttlMs).safeMs;
  if (lateMs <= ROUNDING_MS) return undefined;
  return `the session of lease ${lease.toString(16)} believes in it ${lateMs} ms longer than its asking allows`;
}

/** Of those who can do something at this moment, no two may believe that they hold. Who stands still believes nothing. */
function lookForOthers(of: Exclusive, held: Held, { name, verdict }: Surroundings): void {
  if (!believes(held)) return;
  for (const [other, holder] of of.holding) {
    if (other === name || !holder.isAwake() || !believes(holder.held)) continue;
    verdict.earlyEnd(`${name} and ${other} both believe that they hold ${of.kind} ${of.name}`);
  }
}
