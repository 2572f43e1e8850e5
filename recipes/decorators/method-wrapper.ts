import 'reflect-metadata';
/** A method of the user's. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever it takes
export type Method = (this: object, ...args: any[]) => unknown;

/**
 * Puts another method in a method's place without others noticing: name, length, and what other decorators have noted on
 * it stay.
 */
export function standIn(original: Method, replacement: Method): Method {
  Object.defineProperty(replacement, 'name', { value: original.name, configurable: true });
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
  for (const key of Reflect.getOwnMetadataKeys(original) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), replacement);
  }
  return replacement;
}
