import type { MemberProgram } from '../../core/testing/cluster/member-program.js';
import { atMember, type Contestant, type Ground, residentMb, withContestants } from './contestant.js';
import { load } from './load.js';
import { type Line, printContest } from './table.js';

const KEYS = 10_000;
const VALUE = new Uint8Array(256).fill(7);
const STEPS = 10;
const WRITE_MS_MAX = 300_000;

/** The history that is kept: so many revisions, by each program's own compaction. */
const flagsOf = (_: MemberProgram) => ['--auto-compaction-mode', 'revision', '--auto-compaction-retention', '10000'];

/** Memory of each member while many puts go to few keys. Past the first tenth it should be flat. */
export async function memory(ground: Ground): Promise<void> {
  await withContestants(ground, flagsOf, async (contestants) => {
    const lines: Line[] = [];
    // Each by itself: they would take the processor from each other for minutes.
    const measured: number[][][] = [];
    for (const contestant of contestants) measured.push(await growth(contestant, ground.puts * STEPS));
    for (let step = 0; step <= STEPS; step += 1) {
      const mb = measured.map((steps) => steps[step] ?? []);
      lines.push({
        what: `after ${(ground.puts * step).toLocaleString('en')} puts, largest member`,
        unit: 'MB',
        figures: mb.map((members) => Math.max(...members)),
        besides: mb.map((members) => members.map((one) => Math.round(one)).join(' ')).join('; '),
      });
    }
    printContest(
      `Memory under puts to ${KEYS.toLocaleString('en')} keys, with compaction`,
      contestants.map(({ name }) => name),
      lines,
    );
  });
}

async function growth({ cluster }: Contestant, putCount: number): Promise<number[][]> {
  const store = await atMember(await cluster.leader());
  const steps = [residentMb(cluster)];
  for (let step = 1; step <= STEPS; step += 1) {
    const until = { forMs: WRITE_MS_MAX / STEPS, callsMax: putCount / STEPS };
    await load(256, until, (n) => store.put(`key/${(n * 7) % KEYS}`, VALUE));
    steps.push(residentMb(cluster));
  }
  await store.close();
  return steps;
}
