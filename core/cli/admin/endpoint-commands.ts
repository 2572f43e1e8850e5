import { systemClock } from '../../base/system-clock.js';
import { ClusterService } from '../../rpc/gen/cluster.js';
import { KVService, RangeRequest } from '../../rpc/gen/kv.js';
import { MaintenanceService, type StatusResponse } from '../../rpc/gen/maintenance.js';
import type { AdminClient } from './admin-client.js';
import type { AdminContext } from './runner.js';
import { hex, humanBytes } from './wording.js';

/**
 * A line for each endpoint that answers: endpoint, id, version, size, whether it leads, whether it is a learner, term,
 * index, applied index, errors.
 *
 * @returns whether all answered
 */
export async function endpointStatus(context: AdminContext, ofCluster: boolean): Promise<boolean> {
  const { client, say, complain } = context;
  let isWhole = true;
  for (const endpoint of await endpointsOf(client, ofCluster)) {
    try {
      say(statusLine(endpoint, await client.askOne(endpoint, MaintenanceService.status, {})));
    } catch (error) {
      isWhole = false;
      complain(`Failed to get the status of endpoint ${endpoint} (${(error as Error).message})`);
    }
  }
  return isWhole;
}

/** Whether each endpoint answers a linearizable read. @returns whether all did */
export async function endpointHealth({ client, say, complain }: AdminContext, ofCluster: boolean): Promise<boolean> {
  const health = { ...RangeRequest.decode(new Uint8Array(0)), key: Buffer.from('health') };
  const check = async (endpoint: string): Promise<boolean> => {
    const begun = systemClock.now();
    try {
      await client.askOne(endpoint, KVService.range, health);
      const took = `${(systemClock.now() - begun).toFixed(6)}ms`;
      say(`${endpoint} is healthy: successfully committed proposal: took = ${took}`);
      return true;
    } catch (error) {
      complain(`${endpoint} is unhealthy: failed to commit proposal: ${(error as Error).message}`);
      return false;
    }
  };
  const checks = await Promise.all((await endpointsOf(client, ofCluster)).map(check));
  return checks.every((isHealthy) => isHealthy);
}

/** Hands leadership over. It is asked of the leader, wherever that is. */
export async function moveLeader({ client, say }: AdminContext, to: bigint): Promise<void> {
  const { endpoint, leader } = await findLeader(client);
  await client.askOne(endpoint, MaintenanceService.moveLeader, { targetID: to });
  say(`Leadership transferred from ${hex(leader)} to ${hex(to)}`);
}

async function findLeader(client: AdminClient): Promise<{ readonly endpoint: string; readonly leader: bigint }> {
  let failure: Error | undefined;
  for (const endpoint of client.endpoints) {
    try {
      const { header, leader } = await client.askOne(endpoint, MaintenanceService.status, {});
      if (leader === 0n) continue;
      return { leader, endpoint: header?.memberId === leader ? endpoint : await endpointOf(client, leader) };
    } catch (error) {
      failure = error as Error;
    }
  }
  throw failure ?? new Error(`no leader is known at ${client.endpoints.join(', ')}`);
}

async function endpointOf(client: AdminClient, id: bigint): Promise<string> {
  const { members } = await client.ask(ClusterService.memberList, { linearizable: false });
  const url = members.find(({ ID }) => ID === id)?.clientURLs[0];
  if (url === undefined) throw new Error(`member ${hex(id)} leads, and tells no address for clients`);
  return url;
}

async function endpointsOf(client: AdminClient, ofCluster: boolean): Promise<readonly string[]> {
  if (!ofCluster) return client.endpoints;
  const { members } = await client.ask(ClusterService.memberList, { linearizable: true });
  return members.flatMap(({ clientURLs }) => clientURLs);
}

function statusLine(endpoint: string, status: StatusResponse): string {
  const memberId = status.header?.memberId ?? 0n;
  return [
    endpoint,
    hex(memberId),
    status.version,
    humanBytes(status.dbSize),
    status.leader === memberId,
    status.isLearner,
    status.raftTerm,
    status.raftIndex,
    status.raftAppliedIndex,
    status.errors.join(', '),
  ].join(', ');
}
