import type { MemberProgram } from '../../core/testing/cluster/member-program.js';
import { atMember, type Contestant, type Ground, withContestants } from './contestant.js';
import { load } from './load.js';
import { printContest } from './table.js';

const WRITE_MS_MAX = 120_000;
const REJOIN_MS_MAX = 120_000;
const KEYS = 10_000;
const VALUE = new Uint8Array(256).fill(7);

/** So many entries are kept for members that are behind, as each program has it: all of them, or far fewer than are missed. */
const KEEPING: Readonly<Record<'log' | 'snapshot', (program: MemberProgram) => readonly string[]>> = {
  log: ({ name }) => (name === 'etcd' ? ['--snapshot-count', '10000000'] : ['--snapshot-catchup-entries', '10000000']),
  snapshot: ({ name }) => (name === 'etcd' ? ['--snapshot-count', '10000'] : ['--snapshot-catchup-entries', '5000']),
};

/** How long a member needs that was down while much was written: from its start until it stands where the leader stands. */
export async function rejoin(ground: Ground): Promise<void> {
  for (const way of ['log', 'snapshot'] as const) {
    await withContestants(ground, KEEPING[way], async (contestants) => {
      const results: Rejoined[] = [];
      for (const contestant of contestants) results.push(await oneRejoin(contestant, ground.puts));
      printContest(
        `A member that was down during ${results[0]?.missed.toLocaleString('en')} puts`,
        contestants.map(({ name }) => name),
        [
          {
            what: `back, by its ${way === 'log' ? "peers' log" : 'snapshot'}`,
            unit: 'ms',
            figures: results.map(({ tookMs }) => tookMs),
            besides: `it said so: ${results.map(({ isBySnapshot }) => (isBySnapshot ? 'a snapshot' : 'no snapshot')).join('; ')}`,
          },
          { what: 'puts missed', unit: '', figures: results.map(({ missed }) => missed) },
        ],
      );
    });
  }
}

/** What members say that have put a snapshot in force. */
const BY_SNAPSHOT = /the snapshot is in force|applied snapshot|applying snapshot/;

interface Rejoined {
  readonly tookMs: number;
  readonly missed: number;
  readonly isBySnapshot: boolean;
}

async function oneRejoin({ cluster }: Contestant, putCount: number): Promise<Rejoined> {
  const member = await cluster.follower();
  await cluster.kill(member);
  const store = await atMember(await cluster.leader());
  const { calls } = await load(256, { forMs: WRITE_MS_MAX, callsMax: putCount }, (n) =>
    store.put(`key/${n % KEYS}`, VALUE),
  );
  await store.close();

  const logged = member.log.length;
  const startedMs = performance.now();
  await cluster.start(member);
  await cluster.until(
    'it has caught up',
    async () => {
      const [own, led] = await Promise.all([cluster.statusOf(member), cluster.statusOf(await cluster.leader())]);
      return own !== undefined && led !== undefined && own.leader !== 0n && own.appliedIndex >= led.appliedIndex;
    },
    REJOIN_MS_MAX,
  );
  const tookMs = performance.now() - startedMs;
  return { tookMs, missed: calls, isBySnapshot: BY_SNAPSHOT.test(member.log.slice(logged)) };
}
