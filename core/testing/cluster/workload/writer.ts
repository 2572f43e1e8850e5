import { between } from '../../../base/prng.js';
import { modRevision, put } from '../../../txn.js';
import { KEYS, keepAtIt, outcomeOf, rest, type Surroundings } from './surroundings.js';

const KEY_COUNT = 16;
const PAUSE_MS_MAX = 8;

/** The key that a writer's nth write is to. */
export function writerKey(writer: string, n: number): string {
  return `${KEYS}${writer}/${n % KEY_COUNT}`;
}

/** Every key that writers write. */
export function writerKeys(writers: readonly string[]): string[] {
  return writers.flatMap((writer) => Array.from({ length: KEY_COUNT }, (_, n) => writerKey(writer, n)));
}

/** Writes, one after the other, values that are never written twice: alone, in pairs, and on a condition. */
export async function writer(name: string, surroundings: Surroundings): Promise<void> {
  const { prng, signal } = surroundings;
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    n += 1;
    const kind = between(prng, 1, 8);
    if (kind === 1) await writePair(name, n, surroundings);
    else if (kind === 2) await writeIfUnchanged(name, n, surroundings);
    else await writeOne(name, n, surroundings);
    await rest(between(prng, 0, PAUSE_MS_MAX), signal);
  });
}

async function writeOne(name: string, n: number, { store, ledger }: Surroundings): Promise<void> {
  const [id, key] = [`${name}.${n}`, writerKey(name, n)];
  ledger.begun(id, key);
  try {
    ledger.acknowledged(id, (await store.put(key, id)).revision);
  } catch (error) {
    ledger[outcomeOf(error)](id);
  }
}

/** Two keys in one transaction: both are written, or neither. */
async function writePair(name: string, n: number, { store, ledger }: Surroundings): Promise<void> {
  const writes = ['', '/twin'].map((suffix) => ({
    id: `${name}.${n}${suffix}`,
    key: `${writerKey(name, n)}${suffix}`,
  }));
  for (const { id, key } of writes) ledger.begun(id, key);
  try {
    const { revision } = await store
      .txn()
      .do(...writes.map(({ id, key }) => put(key, id)))
      .commit();
    for (const { id } of writes) ledger.acknowledged(id, revision);
  } catch (error) {
    for (const { id } of writes) ledger[outcomeOf(error)](id);
  }
}

/** Writes if nobody else has since it read, which may be so: an unknown write of its own may have landed late. */
async function writeIfUnchanged(name: string, n: number, { store, ledger }: Surroundings): Promise<void> {
  const [id, key] = [`${name}.${n}`, writerKey(name, n)];
  const before = await store.get(key);
  ledger.begun(id, key);
  try {
    const { succeeded, revision } = await store
      .txn()
      .when(modRevision(key).equals(before?.modRevision ?? 0))
      .do(put(key, id))
      .commit();
    if (succeeded) ledger.acknowledged(id, revision);
    else ledger.refused(id);
  } catch (error) {
    ledger[outcomeOf(error)](id);
  }
}
