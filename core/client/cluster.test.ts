import { describe, expect, test } from '@jest/globals';
import { CONCLAVE, ETCD, type MemberProgram } from '../testing/cluster/member-program.js';
import type { MemberProcess } from '../testing/cluster/member-process.js';
import { ProcessCluster } from '../testing/cluster/process-cluster.js';
import { findEtcd } from '../testing/etcd-process.js';
import type { EndpointAddress } from './settings.js';
import { Traffic, TTL_MS } from './testing/traffic.js';

/** A follower that fails is left within a second; then come the repetition and, for writes, the end of the wait. */
const FOLLOWER_GAP_MS = 2_500;
/** With the leader a term ends: the next one is elected 1 to 2 seconds later, and once more if the votes split. */
const LEADER_GAP_MS = 8_000;

/** Everything goes on while members of a cluster hang and die. */
describe('against three members of Conclave', () => rehearse(CONCLAVE));
if (findEtcd()) describe('against three real etcds', () => rehearse(ETCD));
else test.skip('against three real etcds (skipped: no etcd on the PATH)', () => {});

function rehearse(program: MemberProgram): void {
  test('puts, reads, watches, renewals and locks go on while members hang and die', async () => {
    const cluster = await ProcessCluster.start({ program });
    try {
      await hangAndDie(cluster);
    } catch (error) {
      throw cluster.explain(error);
    } finally {
      await cluster.stop();
    }
  });
}

async function hangAndDie(cluster: ProcessCluster): Promise<void> {
  const leader = await cluster.leader();
  // Every client begins at the member that will hang.
  const [hanging, last] = cluster.others(leader) as [MemberProcess, MemberProcess];
  const traffic = await Traffic.start([hanging, leader, last].map(addressOf));

  await traffic.forMs(500);
  hanging.pause();
  await traffic.forMs(3_000);
  const whileFollowerHangs = traffic.longestGapsMs();
  const heldUpMs = traffic.heldUpMs;
  hanging.resume();
  await traffic.forMs(500);
  await cluster.kill(leader);
  await traffic.forMs(4_000);
  const whileLeaderIsDead = traffic.longestGapsMs();
  const heldUpLaterMs = traffic.heldUpMs;
  await traffic.stop();

  for (const gapMs of Object.values(whileFollowerHangs)) expect(gapMs).toBeLessThan(FOLLOWER_GAP_MS + heldUpMs);
  for (const gapMs of Object.values(whileLeaderIsDead)) expect(gapMs).toBeLessThan(LEADER_GAP_MS + heldUpLaterMs);
  expect(whileFollowerHangs.renewals).toBeLessThan(TTL_MS / 3 + 1_000 + heldUpMs);
  traffic.check();
}

function addressOf({ clientUrl }: MemberProcess): EndpointAddress {
  const { hostname, port } = new URL(clientUrl);
  return { host: hostname, port: Number(port) };
}
