import { systemClock } from '../../../base/system-clock.js';
import { ClusterService } from '../../../rpc/gen/cluster.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { MaintenanceService, type MoveLeaderResponse } from '../../../rpc/gen/maintenance.js';
import type { MemberClient } from '../../asking/member-client.js';
import type { Context } from '../../asking/runner.js';
import { toJson } from '../../print/go-json.js';
import type { Words } from '../../print/printer.js';
import { goDurationText, hex } from '../../print/wording.js';
import { plainRange } from '../keys/requests.js';
import {
  type EndpointHash,
  type EndpointHealth,
  type EndpointStatus,
  HASH_WORDS,
  HEALTH_WORDS,
  STATUS_WORDS,
} from './endpoint-words.js';

/**
 * Each endpoint that answers: endpoint, id, version, size, whether it leads, whether it is a learner, term, index,
 * applied index, errors.
 *
 * @returns whether all answered
 */
export async function endpointStatus(context: Context, ofCluster: boolean): Promise<boolean> {
  const tell = context.teller(STATUS_WORDS);
  const { client } = context;
  const ask = async (endpoint: string): Promise<EndpointStatus> => ({
    endpoint,
    status: await client.askOne(endpoint, MaintenanceService.status, {}),
  });
  const { answers, isWhole } = await ofEach(
    context,
    ofCluster,
    (endpoint) => `get the status of endpoint ${endpoint}`,
    ask,
  );
  tell(answers);
  return isWhole;
}

/**
 * The hash of what each endpoint holds.
 *
 * @param revision - as of that one; 0: as of now
 * @returns whether all answered
 */
export async function endpointHash(context: Context, ofCluster: boolean, revision: bigint): Promise<boolean> {
  const tell = context.teller(HASH_WORDS);
  const { client } = context;
  const ask = async (endpoint: string): Promise<EndpointHash> => ({
    endpoint,
    hash: await client.askOne(endpoint, MaintenanceService.hashKv, { revision }),
  });
  const { answers, isWhole } = await ofEach(
    context,
    ofCluster,
    (endpoint) => `get the hash of endpoint ${endpoint}`,
    ask,
  );
  tell(answers);
  return isWhole;
}

/** Whether each endpoint answers a linearizable read. @returns whether all did */
export async function endpointHealth(context: Context, ofCluster: boolean): Promise<boolean> {
  const { client, complain, printer } = context;
  const tell = context.teller(HEALTH_WORDS);
  const check = async (endpoint: string): Promise<EndpointHealth> => {
    const begun = systemClock.now();
    const took = () => goDurationText(systemClock.now() - begun);
    try {
      await client.askOne(endpoint, KVService.range, plainRange({ key: Buffer.from('health') }));
      return { endpoint, took: took() };
    } catch (error) {
      // It is the right to read that one key which lacks: whoever says so serves.
      const { message } = error as Error;
      return message === 'etcdserver: permission denied'
        ? { endpoint, took: took() }
        : { endpoint, took: took(), error: message };
    }
  };
  const checks = await Promise.all((await endpointsOf(client, ofCluster)).map(check));
  tell(checks);
  const sick = checks.filter(({ error }) => error !== undefined);
  if (printer.form === 'simple') {
    for (const { endpoint, error } of sick) complain(`${endpoint} is unhealthy: failed to commit proposal: ${error}`);
  }
  return sick.length === 0;
}

interface LeaderMoved {
  readonly from: bigint;
  readonly to: bigint;
  readonly answer: MoveLeaderResponse;
}

const MOVED_WORDS: Words<LeaderMoved> = {
  simple: ({ from, to }) => [`Leadership transferred from ${hex(from)} to ${hex(to)}`],
  json: ({ answer }) => toJson(answer),
};

/** Hands leadership over. It is asked of the leader, wherever that is. */
export async function moveLeader({ client, teller }: Context, to: bigint): Promise<void> {
  const tell = teller(MOVED_WORDS);
  const { endpoint, leader } = await findLeader(client);
  tell({ from: leader, to, answer: await client.askOne(endpoint, MaintenanceService.moveLeader, { targetID: to }) });
}

/** The endpoints that were given, or those of all members. @throws {@link CallError} */
export async function endpointsOf(client: MemberClient, ofCluster: boolean): Promise<readonly string[]> {
  if (!ofCluster) return client.endpoints;
  const { members } = await client.ask(ClusterService.memberList, { linearizable: true });
  return members.flatMap(({ clientURLs }) => clientURLs);
}

/** Asks one endpoint after the other, and complains of those that do not answer. */
export async function ofEach<Answer>(
  { client, complain }: Context,
  ofCluster: boolean,
  verb: (endpoint: string) => string,
  ask: (endpoint: string) => Promise<Answer>,
): Promise<{ readonly answers: readonly Answer[]; readonly isWhole: boolean }> {
  const answers: Answer[] = [];
  const endpoints = await endpointsOf(client, ofCluster);
  for (const endpoint of endpoints) {
    try {
      answers.push(await ask(endpoint));
    } catch (error) {
      complain(`Failed to ${verb(endpoint)} (${(error as Error).message})`);
    }
  }
  return { answers, isWhole: answers.length === endpoints.length };
}

async function findLeader(client: MemberClient): Promise<{ readonly endpoint: string; readonly leader: bigint }> {
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

async function endpointOf(client: MemberClient, id: bigint): Promise<string> {
  const { members } = await client.ask(ClusterService.memberList, { linearizable: false });
  const url = members.find(({ ID }) => ID === id)?.clientURLs[0];
  if (url === undefined) throw new Error(`member ${hex(id)} leads, and tells no address for clients`);
  return url;
}
