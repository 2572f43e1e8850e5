import { InvariantError } from '../../../base/assert.js';
import { type MembershipState, readMembership, writeMembership } from '../../../machine/membership-record.js';
import type { Chance } from '../chance.js';
import { codecTarget } from '../codec-target.js';
import { drawConfiguration, drawMemberInfos } from '../draw/commands.js';
import { putBy, viewOf } from '../draw/records.js';

const EMPTY: MembershipState = { configuration: { voters: [], learners: [] }, members: [], removed: [] };
const { key: KEY } = putBy((batch) => writeMembership(batch, EMPTY));

/** What the state keeps of the members. */
export const membershipRecord = codecTarget('membership-record', 'the members in the state', {
  draw: (chance: Chance): MembershipState => ({
    configuration: drawConfiguration(chance),
    members: drawMemberInfos(chance),
    removed: chance.list(20, () => chance.id()),
  }),
  encode: (state) => putBy((batch) => writeMembership(batch, state)).value,
  decode: (bytes) => readMembership(viewOf(KEY, bytes)),
  refusals: [InvariantError],
});
