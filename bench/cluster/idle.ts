import { setTimeout as delay } from 'node:timers/promises';
import { type Ground, processorMs, residentMb, withContestants } from './contestant.js';
import { printContest } from './table.js';

const SETTLE_MS = 3_000;
const WATCH_MS = 10_000;

/** What three members cost that nobody asks anything. */
export async function idle(ground: Ground): Promise<void> {
  await withContestants(
    ground,
    () => [],
    async (contestants) => {
      await delay(SETTLE_MS);
      const before = contestants.map(({ cluster }) => processorMs(cluster));
      await delay(WATCH_MS);
      const percent = contestants.map(
        ({ cluster }, at) => ((processorMs(cluster) - (before[at] as number)) / WATCH_MS) * 100,
      );
      const memory = contestants.map(({ cluster }) => residentMb(cluster).reduce((sum, mb) => sum + mb, 0));
      printContest(
        'Three idle members',
        contestants.map(({ name }) => name),
        [
          { what: 'processor, of one core', unit: '%', figures: percent, besides: 'goal: under 3 %' },
          { what: 'memory, all members', unit: 'MB', figures: memory },
        ],
      );
    },
  );
}
