import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Parts of the product that worlds do not run. */
const ELSEWHERE = new Set(['testing', 'cli', 'gen', 'node_modules', 'decorators']);
/** A call of a logger, up to the sentence that it logs. */
const LOGGED = /\.(?:debug|info|warn|error)\((?:[^;'`]|'[^']{0,20}'(?=,))*?'([^']{12,})',?\s*\)/g;

/**
 * Every sentence that the code of the product can log: each is a path through it that some seed should reach.
 *
 * @param root - the folder that has `core` and `recipes`, compiled
 */
export async function sentencesLogged(root: string): Promise<ReadonlySet<string>> {
  const sentences = new Set<string>();
  for (const room of ['core', 'recipes']) {
    for (const path of await sourcesBelow(join(root, room))) {
      for (const [, sentence] of (await readFile(path, 'utf8')).matchAll(LOGGED)) sentences.add(sentence as string);
    }
  }
  return sentences;
}

async function sourcesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const below = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ELSEWHERE.has(entry.name) ? [] : sourcesBelow(path);
    return entry.name.endsWith('.js') && !entry.name.endsWith('.test.js') ? [path] : [];
  });
  return (await Promise.all(below)).flat();
}
