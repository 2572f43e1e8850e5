import { AdminService } from '../../../rpc/gen/admin.js';
import { ClusterService, type Member } from '../../../rpc/gen/cluster.js';
import type { Context } from '../../asking/runner.js';
import { ADDED_WORDS, MEMBERS_WORDS, PROMOTED_WORDS, REMOVED_WORDS, UPDATED_WORDS } from './member-words.js';

/**
 * The members: id, status, name, peer URLs, client URLs, whether it is a learner.
 *
 * @param linearizable - as a majority knows them; otherwise as the member that is asked does, which needs no majority
 */
export async function listMembers({ client, teller }: Context, linearizable: boolean): Promise<void> {
  const tell = teller(MEMBERS_WORDS);
  tell(await client.ask(ClusterService.memberList, { linearizable }));
}

/** Adds a member, and says with which variables it is to be started. */
export async function addMember(
  { client, teller }: Context,
  {
    name,
    peerUrls,
    isLearner,
  }: { readonly name: string; readonly peerUrls: readonly string[]; readonly isLearner: boolean },
): Promise<void> {
  const tell = teller(ADDED_WORDS);
  const answer = await client.ask(ClusterService.memberAdd, { peerURLs: [...peerUrls], isLearner });
  tell({ name, added: memberOf(answer), answer });
}

/** Puts a new member in the place of a dead one, and says with which variables it is to be started. */
export async function replaceMember(
  { client, teller }: Context,
  { deadId, name, peerUrls }: { readonly deadId: bigint; readonly name: string; readonly peerUrls: readonly string[] },
): Promise<void> {
  const tell = teller(ADDED_WORDS);
  const answer = await client.ask(AdminService.replaceMember, { deadId, peerUrls: [...peerUrls] });
  tell({ name, added: memberOf(answer), replaces: deadId, answer });
}

/** Removes a member for ever. */
export async function removeMember({ client, teller }: Context, id: bigint): Promise<void> {
  const tell = teller(REMOVED_WORDS);
  tell({ id, answer: await client.ask(ClusterService.memberRemove, { ID: id }) });
}

/** Tells the others where a member listens for them now. */
export async function updateMember(
  { client, teller }: Context,
  id: bigint,
  peerUrls: readonly string[],
): Promise<void> {
  const tell = teller(UPDATED_WORDS);
  tell({ id, answer: await client.ask(ClusterService.memberUpdate, { ID: id, peerURLs: [...peerUrls] }) });
}

/** Lets a learner vote. */
export async function promoteMember({ client, teller }: Context, id: bigint): Promise<void> {
  const tell = teller(PROMOTED_WORDS);
  tell({ id, answer: await client.ask(ClusterService.memberPromote, { ID: id }) });
}

function memberOf({ member }: { member: Member | undefined }): Member {
  if (member === undefined) throw new Error('the server did not say which member it added');
  return member;
}
