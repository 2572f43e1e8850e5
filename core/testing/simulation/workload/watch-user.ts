import { type CompactedError, hasCode } from '../../../base/errors.js';
import { everything, key, prefix } from '../../../base/key-range.js';
import type { KeyRange } from '../../../base/key-value.js';
import { between } from '../../../base/prng.js';
import { linkSignals } from '../../../../recipes/wait.js';
import { SHARED, sharedKey } from './kv-user.js';
import { chance, keepAtIt, rest, restUpTo, type Surroundings } from './surroundings.js';
import { type WatchAsked, WatchCheck } from './watch-check.js';

const OFFSET_MAX = 100;
const LOOK_MS_MAX = 12_000;
const PAUSE_MS_MAX = 500;
const SLOW_MS_MAX = 1_500;

/** All who watch at present, so that whoever ends the work can see that they have been told everything. */
export class WatchesOpen {
  readonly #open = new Map<WatchCheck, () => boolean>();

  /** @param isAlive - whether its process still runs: if not, nobody is told anything any more */
  add(check: WatchCheck, isAlive: () => boolean): void {
    this.#open.set(check, isAlive);
  }

  delete(check: WatchCheck): void {
    this.#open.delete(check);
  }

  /** Whether all of them have been told what happened up to a revision. */
  haveBeenTold(revision: number): boolean {
    return [...this.#open].every(([check, isAlive]) => !isAlive() || check.hasTold(revision));
  }
}

/** Watches some keys for a while, from a little before or after the present, reading slowly or not, again and again. */
export async function watchUser(open: WatchesOpen, surroundings: Surroundings): Promise<void> {
  await keepAtIt(surroundings, surroundings.name, async () => {
    await restUpTo(surroundings, PAUSE_MS_MAX);
    const asked = drawAsked(surroundings);
    const check = new WatchCheck(surroundings.chronicle, asked);
    open.add(check, surroundings.isAlive);
    try {
      await watch(asked, check, surroundings);
    } finally {
      open.delete(check);
      if (check.eventCount > 0) surroundings.count('watch');
    }
  });
}

function drawAsked(surroundings: Surroundings): WatchAsked {
  const { prng, history } = surroundings;
  return {
    target: drawTarget(surroundings),
    from: Math.max(1, history.toldRevision + between(prng, -OFFSET_MAX, OFFSET_MAX)),
    ...(chance(surroundings, 0.2) && { only: chance(surroundings, 0.5) ? ('put' as const) : ('delete' as const) }),
    ...(chance(surroundings, 0.4) && { previous: true }),
  };
}

function drawTarget(surroundings: Surroundings): KeyRange {
  if (chance(surroundings, 0.4)) return everything();
  return chance(surroundings, 0.5) ? prefix(SHARED) : key(sharedKey(between(surroundings.prng, 0, 3)));
}

async function watch({ target, ...asked }: WatchAsked, check: WatchCheck, surroundings: Surroundings): Promise<void> {
  const { store, signal, verdict, name, prng } = surroundings;
  const over = linkSignals(signal);
  const timer = store.clock.after(between(prng, 0, LOOK_MS_MAX), () => over.abort(new Error('it has seen enough')));
  const slowMs = chance(surroundings, 0.3) ? between(prng, 1, SLOW_MS_MAX) : 0;
  const options = { ...asked, progress: chance(surroundings, 0.5), signal: over.signal };
  try {
    for await (const batch of store.watch(target, options)) {
      const wrong = check.take(batch);
      if (wrong !== undefined) verdict.violation(`${name}, watching from ${asked.from}: ${wrong}`);
      if (slowMs > 0) await rest({ signal: over.signal, store }, slowMs);
    }
  } catch (error) {
    if (over.signal.aborted) return;
    if (!hasCode(error, 'COMPACTED')) throw error;
    surroundings.count('watch of what was compacted');
    const wrong = check.compacted(error as CompactedError);
    if (wrong !== undefined) verdict.violation(`${name}, watching from ${asked.from}: ${wrong}`);
  } finally {
    timer.cancel();
    over.unlink();
  }
}
