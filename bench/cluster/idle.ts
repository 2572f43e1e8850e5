import { setTimeout as delay } from 'node:timers/promises';
import { atMember, type Contestant, type Ground, processorMs, residentMb, withContestants } from './contestant.js';
import { load } from './load.js';
import { printContest } from './table.js';

const SETTLE_MS = 3_000;
const WATCH_MS = 10_000;
const SERVE_MS = 5_000;

/** What three members cost that nobody asks anything: just started, and after they have served for a while. */
export async function idle(ground: Ground): Promise<void> {
  await withContestants(
    ground,
    () => [],
    async (contestants) => {
      const begun = await processorPercent(contestants);
      for (const contestant of contestants) await serve(contestant);
      const served = await processorPercent(contestants);
      const memory = contestants.map(({ cluster }) => residentMb(cluster).reduce((sum, mb) => sum + mb, 0));
      printContest(
        'Three idle members',
        contestants.map(({ name }) => name),
        [
          { what: 'processor, of one core, after serving', unit: '%', figures: served, besides: 'goal: under 3 %' },
          { what: 'the same, just started', unit: '%', figures: begun },
          { what: 'memory, all members', unit: 'MB', figures: memory },
        ],
      );
    },
  );
}

/** Lets a cluster do what it is there for: code that has run for a while costs less. */
async function serve({ cluster }: Contestant): Promise<void> {
  for (const member of cluster.members) {
    const store = await atMember(member);
    await load(64, { forMs: SERVE_MS / cluster.members.length }, (n) => store.put(`key/${n % 1_000}`, 'x'.repeat(256)));
    await store.close();
  }
}

async function processorPercent(contestants: readonly Contestant[]): Promise<readonly number[]> {
  await delay(SETTLE_MS);
  const before = contestants.map(({ cluster }) => processorMs(cluster));
  await delay(WATCH_MS);
  return contestants.map(({ cluster }, at) => ((processorMs(cluster) - (before[at] as number)) / WATCH_MS) * 100);
}
