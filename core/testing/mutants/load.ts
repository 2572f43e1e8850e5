/** The module hook that serves a mutant's changed source in the place of the compiled module. */
import type { LoadHook } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mutantNamed } from './catalogue.js';
import { changedSource, MUTANT_VARIABLE } from './mutant.js';
import { COMPILED, readSource } from './project.js';
import { noteServed } from './served.js';

const mutant = mutantNamed(process.env[MUTANT_VARIABLE] ?? '');
const changedUrl = pathToFileURL(join(COMPILED, mutant.file.replace(/\.ts$/, '.js'))).href;

/** As Node calls it for each module. */
export const load: LoadHook = async (url, context, nextLoad) => {
  if (url !== changedUrl) return nextLoad(url, context);
  // Only here, for most processes that are started on the way never come to it, and the compiler takes its time.
  const { transpile } = await import('./transpile.js');
  const { code } = transpile(changedSource(mutant, readSource(mutant.file)), mutant.file);
  noteServed();
  return { format: 'module', source: code, shortCircuit: true };
};
