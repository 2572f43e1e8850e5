import { between } from '../../../base/prng.js';
import { keepAtIt, rest, type Surroundings } from './surroundings.js';

const PAUSE_MS_MAX = 20;

/** How often linearizable reads were compared with what was acknowledged before they began. */
export interface ReadCount {
  readCount: number;
}

/** Reads, linearizably: whatever was acknowledged to anybody before a read began, the read must know. */
export async function reader(
  name: string,
  keys: readonly string[],
  surroundings: Surroundings,
  count: ReadCount,
): Promise<void> {
  const { store, prng, ledger, verdict, signal } = surroundings;
  await keepAtIt(surroundings, name, async () => {
    const key = keys[between(prng, 0, keys.length - 1)] as string;
    const [leastOfKey, least] = [ledger.acknowledgedAt(key), ledger.acknowledgedRevision];

    const { kvs, revision } = await store.range(key);

    count.readCount += 1;
    const found = kvs[0]?.modRevision ?? 0;
    if (found < leastOfKey) {
      verdict.violation(`${name} read ${key} of revision ${found}; before it began, ${leastOfKey} was acknowledged`);
    }
    if (revision < least) {
      verdict.violation(`${name} was answered at revision ${revision}; before it began, ${least} was acknowledged`);
    }
    await rest(between(prng, 0, PAUSE_MS_MAX), signal);
  });
}
