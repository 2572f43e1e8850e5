/** Compiles what jest loads, with a mutant's change in its source. It takes the place of the usual transform. */
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { mutantNamed } from './catalogue.js';
import { changedSource, type Mutant, MUTANT_VARIABLE } from './mutant.js';
import { PROJECT } from './project.js';
import { noteServed } from './served.js';
import { transpile } from './transpile.js';

const named = process.env[MUTANT_VARIABLE];
const mutant = named ? mutantNamed(named) : undefined;

/** The mutant, if this is the file that it changes. */
function changing(path: string): Mutant | undefined {
  return mutant?.file === relative(PROJECT, path) ? mutant : undefined;
}

export default {
  process(source: string, path: string) {
    const found = changing(path);
    if (found === undefined) return transpile(source, path);
    noteServed();
    return transpile(changedSource(found, source), path);
  },

  /** Of a changed source never the same twice, so that jest has it made, and it is known to have been met. */
  getCacheKey(source: string, path: string): string {
    const change = changing(path) === undefined ? 'as it is' : `${process.pid} ${performance.now()}`;
    return createHash('sha256').update(source).update(path).update(change).digest('hex').slice(0, 32);
  },
};
