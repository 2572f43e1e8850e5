import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { MemberProcess } from './member-process.js';
import { CONCLAVE_MAIN } from './member-program.js';
import type { ProcessCluster } from './process-cluster.js';

const run = promisify(execFile);
const COMMAND_MS = 10_000;
const VOTES_WITHIN_MS = 30_000;

/** The members as one of them lists them, a line each. */
export async function membersOf(members: readonly MemberProcess[]): Promise<string> {
  return (await conclave(members, 'member', 'list')).stdout;
}

/**
 * The id of a member that is down, as the others know it.
 *
 * @throws if they do not know it
 */
export async function idOf(cluster: ProcessCluster, member: MemberProcess): Promise<string> {
  const lines = (await membersOf(cluster.others(member))).split('\n');
  const id = /^[0-9a-f]+/.exec(lines.find((line) => line.includes(member.spec.peerUrl)) ?? '');
  if (!id) throw new Error(`nobody knows ${member.name}`);
  return id[0];
}

/**
 * Puts a new member in the place of one whose data is gone, as docs/replacing-a-member.md has it: by the others' word, with a
 * folder and an address of its own. Resolves once it votes.
 *
 * @throws if the others refuse, or if it does not vote in time
 */
export async function replaceMember(
  cluster: ProcessCluster,
  dead: MemberProcess,
  name: string,
): Promise<MemberProcess> {
  await cluster.untilServing(cluster.others(dead));
  const id = await idOf(cluster, dead);
  const successor = await cluster.newcomer(name, dead.spec.flags);
  const { stdout } = await conclave(
    cluster.others(dead),
    ...['member', 'replace', id, name, '--peer-urls', successor.spec.peerUrl],
  );
  const initialCluster = /ETCD_INITIAL_CLUSTER="?([^"\n]+)/.exec(stdout)?.[1];
  if (initialCluster === undefined) throw new Error(`the others do not say who is to be told: ${stdout}`);
  await cluster.start(successor, { flags: [...successor.spec.flags, '--initial-cluster', initialCluster] });
  const votes = async () => (await cluster.statusOf(successor))?.isLearner === false;
  await cluster.until(`${name} votes`, votes, VOTES_WITHIN_MS);
  await cluster.succeed(dead, successor);
  return successor;
}

function conclave(members: readonly MemberProcess[], ...args: readonly string[]): Promise<{ stdout: string }> {
  const endpoints = members.map(({ clientUrl }) => clientUrl).join(',');
  return run(process.execPath, [CONCLAVE_MAIN, ...args, '--endpoints', endpoints], { timeout: COMMAND_MS });
}
