import { between, seededPrng } from '../../../base/prng.js';
import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import { createRevision, put } from '../../../txn.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { mayHaveHappened } from '../../cluster/workload/surroundings.js';
import { ClientGate } from '../equipment/client-gate.js';
import type { Drill, DrillOptions, DrillResult } from './drill.js';

const HELD_MS_MOST = 40;
const KINDS = ['put', 'txn', 'create'] as const;

/**
 * A write arrives, and its answer is lost with the connection. The client must say that it does not know, and must not repeat it
 * by itself: it has at most one effect.
 */
export const lostReply: Drill = { name: 'lost-reply', rounds: 1_000, run };

interface Tally {
  lost: number;
  unknown: number;
  carriedOut: number;
  answeredAllTheSame: number;
  saidToBeRefused: number;
}

async function run({ rounds, seed, program, signal }: DrillOptions): Promise<DrillResult> {
  const prng = seededPrng(seed);
  const tally: Tally = { lost: 0, unknown: 0, carriedOut: 0, answeredAllTheSame: 0, saidToBeRefused: 0 };
  const violations: string[] = [];
  const cluster = await ProcessCluster.start({ program, size: 3 });
  const gates = await Promise.all(cluster.members.map(({ clientUrl }) => ClientGate.open(clientUrl)));
  const direct = await connect(cluster.url);
  const store = await connect(gates.map(({ url }) => url).join(','), { client: { backoffMs: 5 } });
  try {
    for (let round = 0; round < rounds && !signal.aborted && violations.length === 0; round += 1) {
      const kind = KINDS[round % KINDS.length] as (typeof KINDS)[number];
      // So that it is connected.
      await store.get('warm');
      const heldMs = between(prng, 0, HELD_MS_MOST);
      const found = await loseOne({ kind, key: `lost/${round}`, heldMs }, { store, direct, gates, tally });
      if (found !== undefined) violations.push(`round ${round}, ${kind}: ${found}`);
    }
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    await Promise.all([store.close(), direct.close()]);
    await Promise.all(gates.map((gate) => gate.close()));
    await cluster.stop();
  }
  if (tally.unknown === 0) violations.push('no answer was lost');
  return { violations, figures: { ...tally } };
}

interface Means {
  readonly store: Store;
  readonly direct: Store;
  readonly gates: readonly ClientGate[];
  readonly tally: Tally;
}

/** @returns what was wrong */
async function loseOne(
  { kind, key, heldMs }: { kind: (typeof KINDS)[number]; key: string; heldMs: number },
  { store, direct, gates, tally }: Means,
): Promise<string | undefined> {
  for (const gate of gates) gate.holdAnswers();
  const outcome = write(store, kind, key).then(
    () => 'done' as const,
    (error: unknown) => (mayHaveHappened(error) ? ('unknown' as const) : ('refused' as const)),
  );
  await new Promise((resolve) => setTimeout(resolve, heldMs));
  for (const gate of gates) {
    gate.break();
    gate.heal();
  }
  tally.lost += 1;
  const said = await outcome;
  const version = (await direct.get(key))?.version ?? 0;
  if (said === 'unknown') tally.unknown += 1;
  if (said === 'done') tally.answeredAllTheSame += 1;
  if (said === 'refused') tally.saidToBeRefused += 1;
  if (version > 0) tally.carriedOut += 1;
  if (version > 1) return `it was carried out ${version} times`;
  if (said === 'refused' && version > 0) return 'it was carried out, and said to be refused';
  return said === 'done' && version === 0 ? 'it was acknowledged, and is not there' : undefined;
}

async function write(store: Store, kind: (typeof KINDS)[number], key: string): Promise<void> {
  if (kind === 'put') await store.put(key, 'once');
  else if (kind === 'txn') await store.txn().do(put(key, 'once')).commit();
  else await store.txn().when(createRevision(key).equals(0)).do(put(key, 'once')).commit();
}
