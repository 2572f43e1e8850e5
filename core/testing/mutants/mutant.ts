import type { LayerName } from './layers/layer.js';
import type { RowId } from './rows.js';

/** The environment variable that names the mutant which a process is to be. */
export const MUTANT_VARIABLE = 'CONCLAVE_MUTANT';

/** A bug of the field, and the one small change of our source that brings it back. */
export interface Mutant {
  /** In kebab-case. */
  readonly name: string;
  /** The historic bugs that it stands for; none where it is a mistake that suggests itself, but nobody published it. */
  readonly rows: readonly RowId[];
  /** What the changed program does wrong. */
  readonly what: string;
  /** The source that is changed, from the project's folder. */
  readonly file: string;
  /** What is taken out; it occurs there exactly once. */
  readonly find: string;
  /** What comes in its place. */
  readonly replace: string;
  /** Where to look for it, in this order. */
  readonly layers: readonly LayerName[];
}

/** A mutant's source with the change made. Throws if what is to be replaced is not there exactly once. */
export function changedSource({ name, file, find, replace }: Mutant, source: string): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`mutant ${name}: what it replaces occurs ${count} times in ${file}, not once`);
  return source.replace(find, () => replace);
}
