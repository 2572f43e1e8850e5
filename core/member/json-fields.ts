import { toBytes, toText } from '../base/bytes.js';
import { InvalidArgumentError } from '../base/errors.js';

const ID = /^[0-9a-f]{1,16}$/;

/** A value as JSON bytes, the ids in it in hexadecimal. */
export function toJsonBytes(value: unknown): Uint8Array {
  const hex = (_key: string, part: unknown) => (typeof part === 'bigint' ? part.toString(16) : part);
  return toBytes(JSON.stringify(value, hex));
}

/**
 * The fields of an object that another member wrote with {@link toJsonBytes}, each as what it must be. It may be of another
 * version, or no member at all.
 */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  private constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('message', value, 'an object');
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  /** @throws {@link InvalidArgumentError} if the bytes are no JSON, or no object; so all below, if a field is something else */
  static parse(bytes: Uint8Array): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(toText(bytes));
    } catch {
      throw wrong('message', bytes, 'JSON');
    }
    return new JsonFields(value);
  }

  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string') throw wrong(name, value, 'a text');
    return value;
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== 'string') throw wrong(name, value, 'a list of texts');
      return value;
    });
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
    return value;
  }

  id(name: string): bigint {
    const text = this.text(name);
    if (!ID.test(text)) throw wrong(name, text, '64 bits in hexadecimal');
    return BigInt(`0x${text}`);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  objects(name: string): readonly JsonFields[] {
    return this.#list(name).map((value) => new JsonFields(value));
  }

  #list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw wrong(name, value, 'a list');
    return value;
  }
}

function wrong(field: string, value: unknown, limit: string): InvalidArgumentError {
  return new InvalidArgumentError(field, value, limit);
}
