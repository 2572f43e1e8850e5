import { bytesOf } from '../base/arguments.js';
import type { BytesLike } from '../base/bytes.js';
import { EmptyKeyError, InvalidArgumentError } from '../base/errors.js';
import { isOpenEnded, prefix as everyKeyWith } from '../base/key-range.js';
import type { Event, KeyRange, KeyValue } from '../base/key-value.js';
import { LIMITS } from '../base/limits.js';

/**
 * What all keys of a namespace begin with, and nobody within it sees. With "a/":
 *
 * ```
 * within            in the store
 * "k"               "a/k"
 * ["k", "m")        ["a/k", "a/m")
 * ["k", no end)     ["a/k", "a0")
 * everything        ["a/" and a zero byte, "a0")
 * ```
 *
 * "a/" itself is no key of the namespace: it would be the empty one.
 */
export class KeyPrefix {
  readonly #bytes: Uint8Array;
  /** The first key after all of the namespace, or "no end". */
  readonly #end: Uint8Array;

  /** @throws {@link InvalidArgumentError} if it is neither text nor bytes, empty, or longer than `LIMITS.namespaceBytes` */
  constructor(prefix: BytesLike) {
    const bytes = bytesOf(prefix, 'namespace');
    if (bytes.length === 0 || bytes.length > LIMITS.namespaceBytes) {
      const field = bytes.length === 0 ? prefix : `${bytes.length} bytes`;
      throw new InvalidArgumentError('namespace', field, `between 1 and ${LIMITS.namespaceBytes} bytes long`);
    }
    this.#bytes = Uint8Array.from(bytes);
    this.#end = everyKeyWith(this.#bytes).end as Uint8Array;
  }

  /** @throws {@link EmptyKeyError}: with the prefix, the store could not tell that it is empty */
  onto(key: Uint8Array): Uint8Array {
    if (key.length === 0) throw new EmptyKeyError();
    return Buffer.concat([this.#bytes, key]);
  }

  /** The same range, of this namespace's keys. One that can hold no key holds none here either. */
  ontoRange<R extends KeyRange>(range: R): R {
    const key = this.onto(range.key);
    if (range.end === undefined) return { ...range, key };
    const end = isOpenEnded(range.end) ? this.#end : Buffer.concat([this.#bytes, range.end]);
    return { ...range, key, end };
  }

  /** Whether a key belongs to the namespace. */
  isOn(key: Uint8Array): boolean {
    const { length } = this.#bytes;
    return key.length > length && Buffer.compare(key.subarray(0, length), this.#bytes) === 0;
  }

  /** A key of the namespace as it is seen within. The memory is shared. */
  off(key: Uint8Array): Uint8Array {
    return key.subarray(this.#bytes.length);
  }

  offKeyValue(kv: KeyValue): KeyValue {
    return { ...kv, key: this.off(kv.key) };
  }

  offEvent(event: Event): Event {
    const { kv, previous } = event;
    if (previous === undefined) return { ...event, kv: this.offKeyValue(kv) };
    return { ...event, kv: this.offKeyValue(kv), previous: this.offKeyValue(previous) };
  }
}
