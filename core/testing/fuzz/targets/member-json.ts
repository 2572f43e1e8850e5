import { InvalidArgumentError } from '../../../base/errors.js';
import { decodeChange, encodeChange, type MembershipChange } from '../../../member/membership-changes.js';
import { decodeMembers, encodeMembers } from '../../../member/peer-traffic.js';
import type { Chance } from '../chance.js';
import { codecTarget } from '../codec-target.js';
import { drawMemberInfos, drawTexts } from '../draw/commands.js';

function drawChange(chance: Chance): MembershipChange {
  const type = chance.pick(['add', 'remove', 'promote', 'update'] as const);
  if (type === 'remove' || type === 'promote') return { type, id: chance.id() };
  if (type === 'update') return { type, id: chance.id(), peerUrls: drawTexts(chance) };
  const added = { type, peerUrls: drawTexts(chance), isLearner: chance.oneIn(2) };
  return chance.oneIn(2) ? added : { ...added, replaces: chance.id() };
}

/** A change of the members that a follower hands to the leader. */
export const membershipChange = codecTarget<MembershipChange>('membership-change', 'a change of the members, as JSON', {
  draw: drawChange,
  encode: encodeChange,
  decode: decodeChange,
  refusals: [InvalidArgumentError],
});

/** What whoever joins is told of the members. */
export const membersAnswer = codecTarget('members-answer', 'what a joiner is told of the members, as JSON', {
  draw: (chance) => ({ clusterId: chance.id(), members: drawMemberInfos(chance) }),
  encode: encodeMembers,
  decode: decodeMembers,
  refusals: [InvalidArgumentError],
});
