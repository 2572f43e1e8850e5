import { hasCode } from '../../../base/errors.js';
import { between } from '../../../base/prng.js';
import { chance, keepAtIt, restUpTo, type Surroundings } from './surroundings.js';

const PAUSE_MS_MAX = 4_000;
const KEPT_MAX = 60;

/** Forgets old revisions: up to some time ago, or everything up to this very moment. */
export async function compactor(surroundings: Surroundings): Promise<void> {
  const { store, history, chronicle, verdict, prng, name, count } = surroundings;
  await keepAtIt(surroundings, name, async () => {
    await restUpTo(surroundings, PAUSE_MS_MAX);
    const kept = chance(surroundings, 0.3) ? 0 : between(prng, 1, KEPT_MAX);
    const revision = Math.max(1, history.toldRevision - kept);
    try {
      await store.compact(revision, { physical: chance(surroundings, 0.3) });
      count(kept === 0 ? 'compaction of everything' : 'compaction');
      if (chronicle.compactRevision < revision) verdict.violation(`${name}: compacting ${revision} is not in the log`);
      history.compactionTold(revision);
    } catch (error) {
      if (!hasCode(error, 'COMPACTED')) throw error;
      // On the wire the error does not tell what was compacted, so it is not asked.
      if (revision > chronicle.compactRevision) verdict.violation(`${name}: nobody has compacted ${revision} before`);
    }
  });
}
