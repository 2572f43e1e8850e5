import type { Store } from '../../core/store.js';
import { Chance } from '../../core/testing/fuzz/chance.js';
import { mutate, randomBytes } from '../../core/testing/fuzz/mutate.js';
import { prefix } from '../../core/base/key-range.js';

/** What the ends of foreign keys may look like: nothing, nonsense, and what is almost one of ours. */
const ENDS = [
  '',
  '/',
  'x',
  '%',
  '%2f',
  '../',
  'gate',
  'gate/',
  'item/',
  'item/1/a',
  'item/0000000000/a',
  'try/x/y',
  'rel/zzz',
];
const VALUES = [
  '',
  'null',
  '[]',
  '{}',
  '7',
  '1e999',
  '{"round":-1}',
  '{"state":"open"}',
  '{"address":""}',
  '['.repeat(5_000),
];

/**
 * Another program that writes below prefixes that are not its own: keys and values at random, such as nobody of ours would
 * write, and damaged copies of what is there under other names. It never touches a key that is there.
 */
export class Vandal {
  readonly #store: Store;
  readonly #prefixes: readonly string[];
  readonly #chance: Chance;
  writtenCount = 0;

  constructor(store: Store, prefixes: readonly string[], seed: number) {
    this.#store = store;
    this.#prefixes = prefixes;
    this.#chance = Chance.of('vandal', seed, 0);
  }

  /** Writes so many keys, somewhere. */
  async strike(count = 1): Promise<void> {
    for (let left = count; left > 0; left -= 1) await this.#write(this.#chance.pick(this.#prefixes));
  }

  async #write(start: string): Promise<void> {
    const chance = this.#chance;
    const { kvs } = await this.#store.range(prefix(start));
    const model = kvs[chance.between(0, Math.max(0, kvs.length - 1))];
    const end = model && chance.oneIn(2) ? mutate(model.key.subarray(Buffer.byteLength(start)), chance) : this.#end();
    const value = model && chance.oneIn(2) ? mutate(model.value, chance) : this.#value();
    const key = Buffer.concat([Buffer.from(start), end]).subarray(0, 1_000);
    if (kvs.some((kv) => Buffer.from(kv.key).equals(key))) return;
    await this.#store.put(key, value.subarray(0, 10_000));
    this.writtenCount += 1;
  }

  #end(): Buffer {
    return Buffer.concat([Buffer.from(this.#chance.pick(ENDS)), randomBytes(this.#chance)]);
  }

  #value(): Buffer {
    return this.#chance.oneIn(2) ? Buffer.from(this.#chance.pick(VALUES)) : randomBytes(this.#chance);
  }
}
