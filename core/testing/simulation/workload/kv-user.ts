import { between, type Prng } from '../../../base/prng.js';
import { RECORDED, recordedKey } from '../../cluster/workload/key-group.js';
import { KvClient } from '../../cluster/workload/kv-client.js';
import { failingQuietly, restUpTo, type Surroundings } from './surroundings.js';

/** The keys of KV users; nobody else changes any of them, and each change is recorded. */
export const SHARED = RECORDED;
const PAUSE_MS_MAX = 1_000;

/** A few keys that all users share: every other one is changed by transactions over two of them, too. */
export class SharedKeys {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** Any of the keys. */
  key(prng: Prng): string {
    return sharedKey(between(prng, 0, this.#count - 1));
  }

  /** Two keys for one transaction; if there is but one of them, the second is one that only transactions use. */
  pair(prng: Prng): [string, string] {
    const count = Math.ceil(this.#count / 2);
    const first = between(prng, 0, count - 1);
    const second = count === 1 ? 1 : (first + between(prng, 1, count - 1)) % count;
    return [sharedKey(2 * first), sharedKey(2 * second)];
  }
}

/** A key by its number. */
export function sharedKey(number: number): string {
  return recordedKey(number % 2 === 0 ? 'pair' : 'one', String(number));
}

/** Reads, writes, deletes, and writes on conditions and in transactions, with pauses; everything is judged. */
export async function kvUser(keys: SharedKeys, surroundings: Surroundings): Promise<void> {
  const { name, signal } = surroundings;
  const client = new KvClient(name, keys, failingQuietly(surroundings));
  while (!signal.aborted) {
    await client.workOnce();
    await restUpTo(surroundings, PAUSE_MS_MAX);
  }
}
