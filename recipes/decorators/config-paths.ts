/**
 * Whether a change at `changed` concerns somebody who asked for `asked`: the same path, one above or below it, or one that
 * `asked` matches with a last part of `*`. Without any path, everything does.
 *
 * For example `limits.*` is concerned by `limits.max` and by `limits` as a whole, but not by `limit`.
 */
export function concerns(asked: readonly string[], changed: string): boolean {
  return asked.length === 0 || asked.some((path) => overlaps(path.replace(/\.?\*$/, ''), changed));
}

/** The value at a path such as `limits.max`; `undefined` if there is none. */
export function valueAt(document: unknown, path: string): unknown {
  let at = document;
  for (const part of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return at;
}

function overlaps(a: string, b: string): boolean {
  return a === b || isAbove(a, b) || isAbove(b, a);
}

function isAbove(above: string, below: string): boolean {
  return above === '' || below === '' || below.startsWith(`${above}.`);
}
