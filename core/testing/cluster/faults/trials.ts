/** What the tests of faults ask of a cluster again and again. */
import { connect } from '../../../connect.js';
import type { ClientLimits } from '../../../client/settings.js';
import type { Store } from '../../../store.js';
import type { MemberProcess } from '../member-process.js';
import type { ProcessCluster } from '../process-cluster.js';
import { isPassing, rest } from '../workload/surroundings.js';

const WRITES = 20;
let runs = 0;

/** Uses a store at these members, and lets go of it. */
export async function withStore<T>(
  members: readonly MemberProcess[],
  work: (store: Store) => Promise<T>,
  client: Partial<ClientLimits> = {},
): Promise<T> {
  const store = await connect(members.map(({ clientUrl }) => clientUrl).join(','), { client });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/**
 * Writes go on through these members: some are acknowledged within the time, and are there.
 *
 * @returns how long it took until the first was acknowledged, in milliseconds
 */
export async function writesGoOn(members: readonly MemberProcess[], withinMs = 10_000): Promise<number> {
  runs += 1;
  const [startedMs, never] = [performance.now(), new AbortController().signal];
  return withStore(
    members,
    async (store) => {
      let firstMs: number | undefined;
      for (let done = 0; done < WRITES;) {
        try {
          const key = `goes-on/${runs}/${done}`;
          const { revision } = await store.put(key, '');
          firstMs ??= performance.now() - startedMs;
          if (((await store.get(key))?.modRevision ?? 0) < revision)
            throw new Error(`${key} was acknowledged and is lost`);
          done += 1;
        } catch (error) {
          if (!isPassing(error) || performance.now() - startedMs > withinMs) throw error;
          await rest(20, never);
        }
      }
      return firstMs as number;
    },
    { requestTimeoutMs: 1_000 },
  );
}

/** All members stand at one index and one hash. */
export async function membersAgree(
  cluster: ProcessCluster,
  members: readonly MemberProcess[] = cluster.members,
  withinMs = 20_000,
): Promise<void> {
  let told = '';
  const agree = async () => {
    const all = await Promise.all(members.map((member) => cluster.statusOf(member)));
    told = JSON.stringify(all.map((one) => one && { ...one, clusterId: '', memberId: '', leader: `${one.leader}` }));
    const [first] = all;
    if (!all.every((one) => first && one?.appliedIndex === first.appliedIndex && one.leader !== 0n)) return false;
    const revision = first?.revision ?? 0;
    const hashes = await Promise.all(members.map((member) => cluster.asking(member).hashKv(revision)));
    if (new Set(hashes.map(({ hash }) => hash)).size === 1) return true;
    throw new Error(`at revision ${revision} members differ: ${hashes.map(({ hash }) => hash).join(', ')}`);
  };
  await cluster.until('all members agree', agree, withinMs).catch((error: Error) => {
    throw new Error(`${error.message}: ${told}`, { cause: error });
  });
}

/** Answers what a call failed with, and how long that took. */
export async function failure(call: () => Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const startedMs = performance.now();
  try {
    await call();
  } catch (error) {
    return { error, tookMs: performance.now() - startedMs };
  }
  throw new Error('it was expected to fail, and did not');
}
