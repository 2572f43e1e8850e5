import type { StandardSchemaV1 } from '@standard-schema/spec';
import { NESTED_MAX } from '../metadata.js';
import { ItemInvalidError, ItemNotJsonError } from './errors.js';

/** An item is nested in the record that is written of it. */
const ITEM_NESTED_MAX = NESTED_MAX - 1;

/** The schema of a queue's items: what `put` takes and what `consume` gives. Zod's, Valibot's, ArkType's and others fit. */
export type ItemSchema<T, I> = StandardSchemaV1<I, T>;

/**
 * An item on its way into the store. With a schema it is checked, and then put as it was given: what the schema makes of
 * it is made again where it is consumed, so a schema may transform.
 *
 * @throws {@link ItemInvalidError}, {@link ItemNotJsonError}
 */
export async function checkItem<T, I>(queue: string, item: I, schema: ItemSchema<T, I> | undefined): Promise<void> {
  if (schema) await validate(queue, item, schema);
  assertJson(item, 'item', new Set());
}

/**
 * An item on its way out of the store.
 *
 * @throws {@link ItemInvalidError} if the schema, perhaps a newer one than the producer's, refuses it
 */
export async function readItem<T, I>(queue: string, stored: unknown, schema: ItemSchema<T, I> | undefined): Promise<T> {
  return schema ? validate(queue, stored, schema) : (stored as T);
}

async function validate<T, I>(queue: string, value: unknown, schema: ItemSchema<T, I>): Promise<T> {
  const result = await schema['~standard'].validate(value);
  if (result.issues) throw new ItemInvalidError(queue, result.issues);
  return result.value;
}

/**
 * Refuses what would come out of JSON as something else: a Date as a text, NaN as null, an undefined as nothing.
 * A property that is undefined is let through, for JSON leaves it out and reading it gives undefined again.
 */
function assertJson(value: unknown, path: string, ancestors: Set<object>): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (typeof value !== 'object' || ancestors.has(value) || ancestors.size === ITEM_NESTED_MAX)
    throw new ItemNotJsonError(path, value);
  ancestors.add(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) assertJson(value[index], `${path}[${index}]`, ancestors);
  } else {
    if (!isPlain(value)) throw new ItemNotJsonError(path, value);
    for (const [name, part] of Object.entries(value)) {
      if (part !== undefined) assertJson(part, `${path}.${name}`, ancestors);
    }
  }
  ancestors.delete(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isRecord = prototype === Object.prototype || prototype === null;
  return isRecord && typeof (value as { toJSON?: unknown }).toJSON !== 'function';
}
