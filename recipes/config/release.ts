import { toText } from '../../core/base/bytes.js';
import { prefix, range } from '../../core/base/key-range.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import { escapeSegment, recipePrefix } from '../keys.js';
import { type By, named, parseObject } from '../metadata.js';

/** A published document and who published it. It never changes. */
export interface Release {
  /** 1, 2, 3, …; a rollback makes a new one. */
  readonly release: number;
  /** As it was published, before the schema made anything of it. */
  readonly document: unknown;
  readonly comment?: string;
  readonly author: string;
  /** Wall time of the publication by the publisher's clock, ISO 8601. For display only. */
  readonly since: string;
  /** The release whose document this one takes up again. */
  readonly rollbackOf?: number;
  /** Chosen before the publication, so that one whose answer was lost is recognised. */
  readonly publicationId: string;
}

/** What a publisher says beside the document. */
export interface ReleaseNotes {
  readonly comment?: string | undefined;
  readonly author?: string | undefined;
  readonly rollbackOf?: number | undefined;
}

/** Which release is in force, and since which revision of the store. */
export interface Pointer {
  readonly release: number;
  readonly revision: number;
}

const DIGITS = 12;

/**
 * Where a configuration has its keys:
 *
 *     <namespace>/cfg/<name>/current        which release is in force
 *     <namespace>/cfg/<name>/rel/<number>   the releases, immutable
 *     <namespace>/cfg/<name>/seen/<id>      what each instance made of the release, under its lease
 */
export class ConfigLayout {
  readonly current: string;
  readonly #prefix: string;

  /** @throws {@link InvalidArgumentError} if namespace or name are none */
  constructor(namespace: string | undefined, name: string) {
    this.#prefix = recipePrefix(namespace, 'cfg', name);
    this.current = `${this.#prefix}current`;
  }

  release(release: number): string {
    return `${this.#prefix}rel/${String(release).padStart(DIGITS, '0')}`;
  }

  get releases(): KeyRange {
    return prefix(`${this.#prefix}rel/`);
  }

  /** The releases before this one. */
  releasesBefore(release: number): KeyRange {
    return range(`${this.#prefix}rel/`, this.release(release));
  }

  seen(instance: string): string {
    return `${this.#prefix}seen/${escapeSegment(instance)}`;
  }

  get allSeen(): KeyRange {
    return prefix(`${this.#prefix}seen/`);
  }
}

export function newRelease(
  release: number,
  document: unknown,
  { comment, author, rollbackOf }: ReleaseNotes,
  { publicationId, writer }: { readonly publicationId: string; readonly writer: By },
): Release {
  return {
    release,
    document,
    ...(comment !== undefined && { comment }),
    author: author ?? named(writer),
    since: writer.since,
    ...(rollbackOf !== undefined && { rollbackOf }),
    publicationId,
  };
}

/** The release in a key, or `undefined` if there is none that we could have written. */
export function parseRelease(kv: Pick<KeyValue, 'value'> | undefined): Release | undefined {
  const parsed = kv && parseObject(kv.value);
  return isRelease(parsed) ? parsed : undefined;
}

export function isRelease(parsed: Readonly<Record<string, unknown>> | undefined): parsed is Release & typeof parsed {
  return parsed !== undefined && typeof parsed['release'] === 'number' && 'document' in parsed;
}

/** The number that `current` has, or 0 if nothing was published, or it is no number. */
export function parsePointer(kv: Pick<KeyValue, 'value'> | undefined): number {
  const release = kv ? Number(toText(kv.value)) : 0;
  return Number.isSafeInteger(release) && release > 0 ? release : 0;
}

/** The number in the key of a release, or 0 if it has none. */
export function numberOfRelease(kv: Pick<KeyValue, 'key'> | undefined): number {
  const release = kv ? Number(toText(kv.key).slice(-DIGITS)) : 0;
  return Number.isSafeInteger(release) ? release : 0;
}
