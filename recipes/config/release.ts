import { toText } from '../../core/base/bytes.js';
import { prefix, range } from '../../core/base/key-range.js';
import type { KeyRange, KeyValue } from '../../core/base/key-value.js';
import { textOfKey } from '../foreign.js';
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
/** No configuration has had so many releases; what tells of a later one is not believed. */
const RELEASE_MAX = 10 ** (DIGITS - 1);

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

  /** The number in the key of a release; 0 if no publication writes such a key. */
  numberOf(key: Uint8Array): number {
    const text = textOfKey(key);
    const release = Number(text?.slice(-DIGITS));
    return isNumber(release) && text === this.release(release) ? release : 0;
  }

  /** The release in a key, or `undefined` if there is none that we could have written. */
  releaseIn(kv: KeyValue | undefined): Release | undefined {
    const parsed = kv && parseObject(kv.value);
    return kv && isRelease(parsed) && this.numberOf(kv.key) === parsed.release ? parsed : undefined;
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

/** Whether it is a release, as far as can be told without its key. */
export function isRelease(parsed: Readonly<Record<string, unknown>> | undefined): parsed is Release & typeof parsed {
  if (parsed === undefined || !('document' in parsed) || !isNumber(parsed['release'])) return false;
  const { comment, rollbackOf } = parsed;
  const hasTexts = ['author', 'since', 'publicationId'].every((name) => typeof parsed[name] === 'string');
  return (
    hasTexts &&
    (comment === undefined || typeof comment === 'string') &&
    (rollbackOf === undefined || typeof rollbackOf === 'number')
  );
}

/** The number that `current` has, or 0 if nothing was published, or it is none that we could have written. */
export function parsePointer(kv: Pick<KeyValue, 'value'> | undefined): number {
  const text = kv ? toText(kv.value) : '';
  const release = Number(text);
  return isNumber(release) && text === String(release) ? release : 0;
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= RELEASE_MAX;
}
