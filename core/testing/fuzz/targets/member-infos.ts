import { InvariantError } from '../../../base/assert.js';
import { decodeMemberInfos, encodeMemberInfos } from '../../../machine/member-info.js';
import { codecTarget } from '../codec-target.js';
import { drawMemberInfos } from '../draw/commands.js';

/** What a configuration entry says of members. */
export const memberInfos = codecTarget('member-infos', 'the context of a configuration entry', {
  draw: drawMemberInfos,
  encode: encodeMemberInfos,
  decode: decodeMemberInfos,
  refusals: [InvariantError],
});
