/** What can be written as JSON; whole numbers of 64 bits are plain digits, as Go writes them. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Names that are the same in etcd's JSON as in our messages; all others have underscores there. */
const KEPT = new Set(['ID', 'peerURLs', 'clientURLs', 'isLearner', 'permType', 'memberID', 'authRevision']);

/**
 * A message as Go's `encoding/json` writes it: names as in the `.proto` file, bytes in base64, enums as numbers, and
 * whatever is zero or empty left out.
 */
export function toJson(message: object): { readonly [name: string]: Json } {
  const fields: Record<string, Json> = {};
  for (const [name, value] of Object.entries(message) as [string, unknown][]) {
    if (isChoice(value)) fields[capitalized(name)] = { [capitalized(value.$case)]: toValue(value[value.$case]) };
    else if (!isEmpty(value)) fields[KEPT.has(name) ? name : snakeCase(name)] = toValue(value);
  }
  return fields;
}

/** On one line; as Go, with what HTML could take for its own escaped. */
export function writeJson(value: Json): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, field]) => `${quoted(name)}:${writeJson(field)}`)
    .join(',')}}`;
}

function toValue(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toValue);
  return typeof value === 'object' && value !== null ? toJson(value) : (value as Json);
}

function isEmpty(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value === undefined || value === 0 || value === 0n || value === '' || value === false;
}

/** One of several, as the generated messages have it. */
function isChoice(value: unknown): value is { readonly $case: string; readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && '$case' in value;
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
