import { createHash } from 'node:crypto';
import { toText } from '../../../base/bytes.js';
import type { Event, KeyValue } from '../../../base/key-value.js';
import type { Verdict } from './verdict.js';

/** The keyspace as the history makes it: what a member answers at the end must be just this. */
export class Model {
  readonly #keys = new Map<string, string>();

  get keyCount(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  take({ type, kv }: Event): void {
    if (type === 'put') this.#keys.set(toText(kv.key), digest(kv));
    else this.#keys.delete(toText(kv.key));
  }

  /** What somebody answered for all keys, at the revision up to which this has taken the history. */
  compare(kvs: readonly KeyValue[], by: string, verdict: Verdict): void {
    for (const kv of kvs) {
      const expected = this.#keys.get(toText(kv.key));
      if (expected !== digest(kv)) {
        verdict.violation(`${by} answers ${toText(kv.key)} as of revision ${kv.modRevision}, unlike the history`);
      }
    }
    if (kvs.length !== this.#keys.size) {
      verdict.violation(`${by} answers ${kvs.length} keys, and the history left ${this.#keys.size}`);
    }
  }
}

function digest({ value, createRevision, modRevision, version, lease }: KeyValue): string {
  const hash = createHash('sha1').update(`${createRevision} ${modRevision} ${version} ${lease} `).update(value);
  return hash.digest('base64');
}
