import type { Command, MemberInfo } from '../../../machine/types.js';
import type { Configuration } from '../../../raft/types.js';
import type { Chance } from '../chance.js';
import { anyRequests } from './requests.js';

/** A command as the codec gives it back: what has its default value is absent. */
export function drawCommand(chance: Chance): Command {
  switch (chance.between(0, 7)) {
    case 0:
      return { type: 'compact', revision: chance.integer() };
    case 1:
      return { type: 'leaseGrant', id: chance.signedId(), ttlSeconds: chance.integer() };
    case 2:
      return { type: 'leaseRevoke', id: chance.signedId() };
    case 3:
      return { type: 'memberUpdate', id: chance.id(), peerUrls: drawTexts(chance) };
    case 4: {
      const [id, name, clientUrls] = [chance.id(), drawUtf8(chance), drawTexts(chance)];
      return { type: 'memberPublish', id, name, clientUrls, incarnation: chance.id() };
    }
    case 5:
      return anyRequests.put(chance);
    case 6:
      return anyRequests.delete(chance);
    default:
      return anyRequests.txn(chance);
  }
}

/** Members in order of their ids, each there once. */
export function drawMemberInfos(chance: Chance): readonly MemberInfo[] {
  const ids = [...new Set(chance.list(9, () => chance.id()))].sort((a, b) => (a < b ? -1 : 1));
  return ids.map((id) => ({
    id,
    name: drawUtf8(chance),
    peerUrls: drawTexts(chance),
    clientUrls: drawTexts(chance),
    incarnation: chance.id(),
    isLearner: chance.oneIn(3),
    ...(chance.oneIn(4) && { replaces: chance.id() }),
  }));
}

export function drawConfiguration(chance: Chance): Configuration {
  const ids = () => chance.list(12, () => chance.id());
  const outgoing = ids();
  return { voters: ids(), ...(outgoing.length > 0 && chance.oneIn(2) && { outgoing }), learners: ids() };
}

/** A text that comes back from UTF-8 as it was. */
export function drawUtf8(chance: Chance): string {
  return Buffer.from(chance.text(), 'utf8').toString('utf8');
}

export function drawTexts(chance: Chance): string[] {
  return chance.list(4, () => drawUtf8(chance));
}
