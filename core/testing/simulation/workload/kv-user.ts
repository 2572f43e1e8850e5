import { between, type Prng } from '../../../base/prng.js';
import { KvClient } from '../../cluster/workload/kv-client.js';
import { failingQuietly, KEYS, restUpTo, type Surroundings } from './surroundings.js';

/** The keys of KV users; nobody else changes any of them, and each change is recorded. */
export const SHARED = `${KEYS}kv/`;
const PAUSE_MS_MAX = 1_000;

/** A few keys that all users share. */
export class SharedKeys {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  key(prng: Prng): string {
    return `${SHARED}${between(prng, 0, this.#count - 1)}`;
  }

  /** Two keys for one transaction; if there is but one, the second is one that only transactions use. */
  pair(prng: Prng): [string, string] {
    const first = between(prng, 0, this.#count - 1);
    const second = this.#count === 1 ? 'second' : (first + between(prng, 1, this.#count - 1)) % this.#count;
    return [`${SHARED}${first}`, `${SHARED}${second}`];
  }
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
