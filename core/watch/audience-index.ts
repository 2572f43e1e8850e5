import { toMapKey } from '../base/bytes.js';
import type { KeyRange } from '../base/key-value.js';
import { Audience } from './audience.js';
import { RangeIndex, type TrueRange } from './range-index.js';
import type { QueuedWatcher } from './watcher.js';

/** Finds the audiences that a change of a key concerns: by the key itself, and by the ranges that contain it. */
export class AudienceIndex {
  readonly #ofKey = new Map<string, Audience>();
  readonly #ofRange = new Map<string, Audience>();
  readonly #ranges = new RangeIndex<Audience>();

  /** The audience of exactly this range, which comes to be if nobody watches it yet. */
  of(target: KeyRange): Audience {
    return this.#find(target) ?? this.#found(target);
  }

  /** Forgets an audience that has become empty. */
  delete({ target }: Audience): void {
    if (isTrueRange(target)) {
      this.#ofRange.delete(nameOf(target));
      this.#ranges.delete(target);
    } else {
      this.#ofKey.delete(toMapKey(target.key));
    }
  }

  forEachConcernedBy(key: Uint8Array, visit: (audience: Audience) => void): void {
    const audience = this.#ofKey.size === 0 ? undefined : this.#ofKey.get(toMapKey(key));
    if (audience !== undefined) visit(audience);
    this.#ranges.forEachContaining(key, visit);
  }

  forEachWatcher(visit: (watcher: QueuedWatcher) => void): void {
    for (const audience of this.#ofKey.values()) audience.forEach(visit);
    for (const audience of this.#ofRange.values()) audience.forEach(visit);
  }

  #find(target: KeyRange): Audience | undefined {
    return isTrueRange(target) ? this.#ofRange.get(nameOf(target)) : this.#ofKey.get(toMapKey(target.key));
  }

  #found(target: KeyRange): Audience {
    const audience = new Audience(target);
    if (isTrueRange(target)) {
      this.#ofRange.set(nameOf(target), audience);
      this.#ranges.add(target, audience);
    } else {
      this.#ofKey.set(toMapKey(target.key), audience);
    }
    return audience;
  }
}

function isTrueRange(target: KeyRange): target is TrueRange {
  return target.end !== undefined;
}

/** The start's length keeps "a"–"bc" and "ab"–"c" apart. */
function nameOf({ key, end }: TrueRange): string {
  return `${key.length} ${toMapKey(key)}${toMapKey(end)}`;
}
