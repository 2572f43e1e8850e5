import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, whether this runs from a source or compiled, below `dist/`. */
export const PROJECT = dirname(enclosing(dirname(fileURLToPath(import.meta.url))));

/** Where the compiled programs are. */
export const COMPILED = join(PROJECT, 'dist');

/** A file of the project, as text. */
export function readSource(file: string): string {
  return readFileSync(join(PROJECT, file), 'utf8');
}

/** The folder that holds `core/testing/mutants`: the project's own, or `dist`; its `package.json` tells which. */
function enclosing(here: string): string {
  const root = join(here, '../../..');
  return root.endsWith('dist') ? root : join(root, 'dist');
}
