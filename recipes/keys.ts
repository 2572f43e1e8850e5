/**
 * Where the recipes keep their keys.
 *
 *     <namespace>/mutex/<name>/q/<lease>.<acquisition>      one key a holder or waiter
 *     <namespace>/election/<name>/c/<lease>.<acquisition>   one key a leader or candidate
 *     <namespace>/bq/<name>/...                             a barrier queue
 *     <namespace>/svc/<service>/<instance>                  a service's instances
 *     <namespace>/cfg/<name>/...                            a configuration
 *
 * A name is one segment of the path: its slashes are escaped, so no name can reach into another name's keys, whatever
 * users put into it (`of('q')`, a tenant called `a/q`).
 */
import { asBuffer } from '../core/base/bytes.js';
import { InvalidArgumentError } from '../core/base/errors.js';
import type { LeaseId } from '../core/base/key-value.js';
import { type Prng, randomHex } from '../core/base/prng.js';

/** The first part of every key, unless a recipe's `namespace` says otherwise. */
export const DEFAULT_NAMESPACE = 'conclave';

/** The folders below a namespace. */
export type RecipeFolder = 'mutex' | 'election' | 'bq' | 'svc' | 'svc-admin' | 'cfg';

const FOLDERS: readonly string[] = ['mutex', 'election', 'bq', 'svc', 'svc-admin', 'cfg'] satisfies RecipeFolder[];

/** Bytes of a name or a namespace. */
export const NAME_BYTES_MAX = 512;

/**
 * The start of all keys of one named thing: `<namespace>/<folder>/<name>/`.
 *
 * @throws {@link InvalidArgumentError} if the name or the namespace is not as {@link checkName} and
 * {@link folderPrefix} want it
 */
export function recipePrefix(namespace: string | undefined, folder: RecipeFolder, name: string): string {
  return `${folderPrefix(namespace, folder)}${escapeSegment(checkName(name, 'name'))}/`;
}

/**
 * The start of all keys of one recipe: `<namespace>/<folder>/`.
 *
 * @throws {@link InvalidArgumentError} if the namespace is empty, too long, has a slash at an end, or a segment that is
 * a recipe's folder (its keys could then be another namespace's)
 */
export function folderPrefix(namespace: string = DEFAULT_NAMESPACE, folder: RecipeFolder): string {
  checkName(namespace, 'namespace');
  if (namespace.split('/').some((segment) => FOLDERS.includes(segment))) {
    throw new InvalidArgumentError('namespace', namespace, `without a segment that is one of ${FOLDERS.join(', ')}`);
  }
  return `${namespace}/${folder}/`;
}

/**
 * Passes a name on if it is one.
 *
 * @param field - the option's name, for the error
 * @throws {@link InvalidArgumentError} if it is empty, longer than 512 bytes, or begins or ends with a slash
 */
export function checkName(name: string, field: string): string {
  if (typeof name !== 'string' || !isName(name)) {
    throw new InvalidArgumentError(field, name, `1 to ${NAME_BYTES_MAX} bytes of text without a slash at either end`);
  }
  return name;
}

function isName(name: string): boolean {
  return name !== '' && !name.startsWith('/') && !name.endsWith('/') && Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

/**
 * A name made of a name and parts within it. Different parts always make different names, also where they have slashes.
 *
 * @throws {@link InvalidArgumentError} if there is no part, or an empty one
 */
export function nameWithin(name: string, ...parts: readonly string[]): string {
  if (parts.length === 0 || parts.includes('')) {
    throw new InvalidArgumentError('part of a name', parts.join(', '), 'at least one text, none of them empty');
  }
  return [name, ...parts.map((part) => escapeSegment(part))].join('/');
}

/** A text as one segment of a key: `%` becomes `%25`, `/` becomes `%2F`. */
export function escapeSegment(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('/', '%2F');
}

/** The text behind a segment, if it is a name and {@link escapeSegment} would write it so; `undefined` if not. */
export function nameOfSegment(segment: string): string | undefined {
  const name = unescapeSegment(segment);
  return isName(name) && escapeSegment(name) === segment ? name : undefined;
}

/** The text behind an {@link escapeSegment}. */
export function unescapeSegment(segment: string): string {
  return segment.replaceAll('%2F', '/').replaceAll('%25', '%');
}

// --- Acquisitions -----------------------------------------------------------------------------------------------

/** 80 bits. */
const ACQUISITION_DIGITS = 20;

/**
 * A new id for one acquisition, chosen before its first attempt, so that an attempt whose answer was lost is recognised.
 * Random, not counted: it must differ from those of every other process that shares the lease.
 */
export function newAcquisitionId(prng: Prng): string {
  return randomHex(prng, ACQUISITION_DIGITS);
}

/** The key of one acquisition: `<prefix><lease in hex>.<acquisition>`. */
export function acquisitionKey(prefix: string, lease: LeaseId, acquisitionId: string): string {
  return `${prefix}${lease.toString(16)}.${acquisitionId}`;
}

const ACQUISITION = /^([0-9a-f]{1,16})\.([0-9a-f]+)$/;

/** What an {@link acquisitionKey} was made of, or `undefined` if the key is not of that form. */
export function parseAcquisitionKey(
  prefix: string,
  key: Uint8Array,
): { readonly lease: LeaseId; readonly acquisitionId: string } | undefined {
  // Byte for byte: a key that is not text must not turn into one that matches.
  const match = ACQUISITION.exec(asBuffer(key).toString('latin1').slice(Buffer.byteLength(prefix)));
  return match ? { lease: BigInt(`0x${match[1]}`), acquisitionId: match[2] as string } : undefined;
}
