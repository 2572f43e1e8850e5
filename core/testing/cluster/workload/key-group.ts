import { between, type Prng } from '../../../base/prng.js';
import { KEYS } from './surroundings.js';

/** The keys of KV clients; nobody else changes any of them, and each change is recorded. */
export const RECORDED = `${KEYS}kv/`;

const SLOTS = 10;
/** Of these, so many are changed by transactions over two keys, too. */
const PAIRED_SLOTS = 4;
/** A key is used so often, and then another takes its place: a search over one key's operations stays small. */
const USES_MAX = 200;

/** Keys that some clients share. Which are in use changes as they are used. */
export class KeyGroup {
  readonly #name: string;
  readonly #slots = Array.from({ length: SLOTS }, () => ({ generation: 0, uses: 0 }));

  constructor(name: string) {
    this.#name = name;
  }

  /** Any of the keys. */
  key(prng: Prng): string {
    return this.#use(between(prng, 0, SLOTS - 1));
  }

  /** Two keys for one transaction. */
  pair(prng: Prng): [string, string] {
    const slot = 2 * between(prng, 0, PAIRED_SLOTS / 2 - 1);
    return [this.#use(slot), this.#use(slot + 1)];
  }

  #use(at: number): string {
    const slot = this.#slots[at] as { generation: number; uses: number };
    slot.uses += 1;
    if (slot.uses > USES_MAX) {
      slot.generation += 1;
      slot.uses = 1;
    }
    const kind = at < PAIRED_SLOTS ? 'pair' : 'one';
    return recordedKey(kind, `${this.#name}/${at}/${slot.generation}`);
  }
}

/** A key by whether transactions over two keys may change it. */
export function recordedKey(kind: 'pair' | 'one', name: string): string {
  return `${RECORDED}${kind}/${name}`;
}

/** Whether only operations on one key are carried out on it, so that it can be judged by itself. */
export function isJudgedAlone(key: string): boolean {
  return key.startsWith(recordedKey('one', ''));
}
