import { AdminService } from '../../rpc/gen/admin.js';
import { ClusterService, type Member } from '../../rpc/gen/cluster.js';
import type { ResponseHeader } from '../../rpc/gen/header.js';
import type { AdminContext } from './runner.js';
import { hex, paddedHex } from './wording.js';

/**
 * The members, one a line: id, status, name, peer URLs, client URLs, whether it is a learner.
 *
 * @param linearizable - as a majority knows them; otherwise as the member that is asked does, which needs no majority
 */
export async function listMembers({ client, say }: AdminContext, linearizable: boolean): Promise<void> {
  const { members } = await client.ask(ClusterService.memberList, { linearizable });
  for (const { ID, name, peerURLs, clientURLs, isLearner } of members) {
    const state = name === '' ? 'unstarted' : 'started';
    say([hex(ID), state, name, peerURLs.join(','), clientURLs.join(','), isLearner].join(', '));
  }
}

/** Adds a member, and says with which variables it is to be started. */
export async function addMember(
  { client, say }: AdminContext,
  {
    name,
    peerUrls,
    isLearner,
  }: { readonly name: string; readonly peerUrls: readonly string[]; readonly isLearner: boolean },
): Promise<void> {
  const answer = await client.ask(ClusterService.memberAdd, { peerURLs: [...peerUrls], isLearner });
  const added = memberOf(answer);
  say(`Member ${paddedHex(added.ID)} added${isLearner ? ' as learner' : ''} to cluster ${clusterOf(answer)}`);
  sayVariables(say, name, added, answer.members);
}

/** Puts a new member in the place of a dead one, and says with which variables it is to be started. */
export async function replaceMember(
  { client, say }: AdminContext,
  { deadId, name, peerUrls }: { readonly deadId: bigint; readonly name: string; readonly peerUrls: readonly string[] },
): Promise<void> {
  const answer = await client.ask(AdminService.replaceMember, { deadId, peerUrls: [...peerUrls] });
  const added = memberOf(answer);
  say(`Member ${paddedHex(added.ID)} added as learner to cluster ${clusterOf(answer)}`);
  say(`It takes the place of member ${paddedHex(deadId)} once it has caught up`);
  sayVariables(say, name, added, answer.members);
}

/** Removes a member for ever. */
export async function removeMember({ client, say }: AdminContext, id: bigint): Promise<void> {
  const answer = await client.ask(ClusterService.memberRemove, { ID: id });
  say(`Member ${paddedHex(id)} removed from cluster ${clusterOf(answer)}`);
}

/** Tells the others where a member listens for them now. */
export async function updateMember(
  { client, say }: AdminContext,
  id: bigint,
  peerUrls: readonly string[],
): Promise<void> {
  const answer = await client.ask(ClusterService.memberUpdate, { ID: id, peerURLs: [...peerUrls] });
  say(`Member ${paddedHex(id)} updated in cluster ${clusterOf(answer)}`);
}

/** Lets a learner vote. */
export async function promoteMember({ client, say }: AdminContext, id: bigint): Promise<void> {
  const answer = await client.ask(ClusterService.memberPromote, { ID: id });
  say(`Member ${paddedHex(id)} promoted in cluster ${clusterOf(answer)}`);
}

/** What the new member's process wants to know. Members that have not started have no name yet, as in etcd. */
function sayVariables(say: (line: string) => void, name: string, added: Member, members: readonly Member[]): void {
  const named = members.map((member) => (member.ID === added.ID ? { ...member, name } : member));
  const cluster = named.flatMap((member) => member.peerURLs.map((url) => `${member.name}=${url}`));
  say('');
  say(`ETCD_NAME=${JSON.stringify(name)}`);
  say(`ETCD_INITIAL_CLUSTER=${JSON.stringify(cluster.join(','))}`);
  say(`ETCD_INITIAL_ADVERTISE_PEER_URLS=${JSON.stringify(added.peerURLs.join(','))}`);
  say('ETCD_INITIAL_CLUSTER_STATE="existing"');
}

function memberOf({ member }: { member: Member | undefined }): Member {
  if (member === undefined) throw new Error('the server did not say which member it added');
  return member;
}

function clusterOf({ header }: { header: ResponseHeader | undefined }): string {
  return paddedHex(header?.clusterId ?? 0n);
}
