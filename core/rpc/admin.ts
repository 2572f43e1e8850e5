import { membershipHeaderOf, toMemberMessage, toMembers } from './cluster.js';
import type * as pb from './gen/admin.js';
import type { ClusterPort } from './ports.js';

/**
 * What etcd's protocol has no call for. Replacing a dead member with etcd's own calls takes three (remove, add as a
 * learner, promote), between which the cluster bears one failure less, or none; here it is one.
 */
export class AdminService {
  readonly #port: ClusterPort;

  constructor(port: ClusterPort) {
    this.#port = port;
  }

  /** Adds a learner that takes a dead member's place once it has caught up. Throws what the member throws. */
  async replaceMember({ deadId, peerUrls }: pb.ReplaceMemberRequest): Promise<pb.ReplaceMemberResponse> {
    const { member, members } = await this.#port.memberAdd({ peerUrls, isLearner: true, replaces: deadId });
    return { header: membershipHeaderOf(this.#port), member: toMemberMessage(member), members: toMembers(members) };
  }
}
