/**
 * Makes a process a mutant: `CONCLAVE_MUTANT=<name> node --import <this module> <program>`. Given in `NODE_OPTIONS`, it
 * reaches the processes and workers that the program starts, too. Without the variable it does nothing.
 */
import { register } from 'node:module';
import { MUTANT_VARIABLE } from './mutant.js';

if (process.env[MUTANT_VARIABLE]) register(new URL('./load.js', import.meta.url));
