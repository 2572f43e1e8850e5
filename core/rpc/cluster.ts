import type * as pb from './gen/cluster.js';
import type { ResponseHeader } from './gen/header.js';
import { type ClusterMember, type ClusterPort, headerOf } from './ports.js';

/** etcd's Cluster service over a member, whatever carries its messages. Each call throws what the member throws. */
export class ClusterService {
  readonly #port: ClusterPort;

  constructor(port: ClusterPort) {
    this.#port = port;
  }

  async memberAdd({ peerURLs: peerUrls, isLearner }: pb.MemberAddRequest): Promise<pb.MemberAddResponse> {
    const { member, members } = await this.#port.memberAdd({ peerUrls, isLearner });
    return { header: membershipHeaderOf(this.#port), member: toMemberMessage(member), members: toMembers(members) };
  }

  async memberRemove({ ID }: pb.MemberRemoveRequest): Promise<pb.MemberRemoveResponse> {
    const members = await this.#port.memberRemove(ID);
    return { header: membershipHeaderOf(this.#port), members: toMembers(members) };
  }

  async memberUpdate({ ID, peerURLs }: pb.MemberUpdateRequest): Promise<pb.MemberUpdateResponse> {
    const members = await this.#port.memberUpdate(ID, peerURLs);
    return { header: membershipHeaderOf(this.#port), members: toMembers(members) };
  }

  async memberList({ linearizable }: pb.MemberListRequest): Promise<pb.MemberListResponse> {
    const members = await this.#port.members({ linearizable });
    return { header: membershipHeaderOf(this.#port), members: toMembers(members) };
  }

  async memberPromote({ ID }: pb.MemberPromoteRequest): Promise<pb.MemberPromoteResponse> {
    const members = await this.#port.memberPromote(ID);
    return { header: membershipHeaderOf(this.#port), members: toMembers(members) };
  }
}

/** The members are no part of the keyspace: answers about them have no revision, as etcd's have none. */
export function membershipHeaderOf(port: ClusterPort): ResponseHeader {
  return headerOf(port, 0);
}

/** A member for the wire. */
export function toMemberMessage({ id, name, peerUrls, clientUrls, isLearner }: ClusterMember): pb.Member {
  return { ID: id, name, peerURLs: [...peerUrls], clientURLs: [...clientUrls], isLearner };
}

/** Members for the wire, by id, as etcd lists them. */
export function toMembers(members: readonly ClusterMember[]): pb.Member[] {
  return members.map(toMemberMessage).sort((a, b) => (a.ID < b.ID ? -1 : 1));
}
