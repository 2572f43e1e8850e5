import { InvalidArgumentError } from '../base/errors.js';
import { type Configuration, type MemberId, NO_MEMBER } from './types.js';

/** What is asked for: who shall vote and who shall only receive the log. */
export type WantedConfiguration = Pick<Configuration, 'voters' | 'learners'>;

/** Members of one kind in a configuration; far more than any cluster has. */
const MEMBERS_MAX = 255;

/**
 * The configuration by which a change begins. If at most one voter comes or goes, any majority of the old ones shares a
 * member with any of the new ones, and the wanted configuration is put in force directly (Ongaro 2014, section 4.2).
 * Otherwise a joint one comes first, which needs both majorities for every decision (section 4.3).
 *
 * @throws {@link InvalidArgumentError} if nobody votes, or a member stands in it twice
 */
export function beginChange(present: Configuration, wanted: WantedConfiguration): Configuration {
  checkWanted(wanted);
  const { voters, learners } = wanted;
  const came = voters.filter((id) => !present.voters.includes(id)).length;
  const went = present.voters.filter((id) => !voters.includes(id)).length;
  return came + went <= 1 ? { voters, learners } : { voters, outgoing: present.voters, learners };
}

/** The configuration by which a joint one ends. */
export function endChange({ voters, learners }: Configuration): Configuration {
  return { voters, learners };
}

function checkWanted({ voters, learners }: WantedConfiguration): void {
  const members: readonly MemberId[] = [...voters, ...learners];
  const counts = [voters.length, learners.length];
  check(voters.length > 0, 'voters', 'nobody', 'a list with at least one member');
  check(Math.max(...counts) <= MEMBERS_MAX, 'members', counts.join(' and '), `at most ${MEMBERS_MAX} of each kind`);
  check(new Set(members).size === members.length, 'members', members.join(', '), 'a list with each member once');
  check(!members.includes(NO_MEMBER), 'members', members.join(', '), 'a list of ids other than 0');
}

function check(holds: boolean, field: string, value: unknown, limit: string): void {
  if (!holds) throw new InvalidArgumentError(`configuration.${field}`, value, limit);
}
