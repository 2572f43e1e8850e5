import { ACCESS_MUTANTS } from './catalogue/access.js';
import { CLIENT_MUTANTS } from './catalogue/client.js';
import { LEASE_MUTANTS } from './catalogue/leases.js';
import { LOG_MUTANTS } from './catalogue/log.js';
import { MEMBER_MUTANTS } from './catalogue/member.js';
import { MEMBERSHIP_MUTANTS } from './catalogue/membership.js';
import { RAFT_MUTANTS } from './catalogue/raft.js';
import { READ_MUTANTS } from './catalogue/reads.js';
import { RECIPE_MUTANTS } from './catalogue/recipes.js';
import { STATE_MUTANTS } from './catalogue/state.js';
import { WATCH_MUTANTS } from './catalogue/watch.js';
import type { Mutant } from './mutant.js';

/** Every mutant. */
export const CATALOGUE: readonly Mutant[] = [
  ...LOG_MUTANTS,
  ...RAFT_MUTANTS,
  ...READ_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
  ...MEMBER_MUTANTS,
  ...STATE_MUTANTS,
  ...WATCH_MUTANTS,
  ...LEASE_MUTANTS,
  ...ACCESS_MUTANTS,
  ...CLIENT_MUTANTS,
  ...RECIPE_MUTANTS,
];

/** The mutant of this name. Throws if there is none. */
export function mutantNamed(name: string): Mutant {
  const mutant = CATALOGUE.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}; --list names them all`);
  return mutant;
}
