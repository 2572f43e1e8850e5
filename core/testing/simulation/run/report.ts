import { FAULT_KINDS } from '../faults/plan.js';
import type { CampaignResult, Failure } from './campaign.js';
import { hours } from './progress.js';
import type { Tally } from './tally.js';

const EVENTS_SHOWN = 60;
const PATH_WIDTH = 110;

/** What came of many seeds, for whoever started them. */
export function report({ tally, elapsedMs, twiceCount }: CampaignResult, expected: ReadonlySet<string>): string {
  const perMinute = (60_000 * tally.seedCount) / Math.max(1, elapsedMs);
  const perProcessor = (60_000 * tally.seedCount) / tally.processorMs;
  // Where other programs run as well, this says how fast it is, and the line above how long one waits.
  const busy = tally.processorMs === 0 ? [] : [`${perProcessor.toFixed(0)} a minute of processor time`];
  const twice = twiceCount === 0 ? [] : [`run twice, in separate processes, with the same trace: ${twiceCount}`];
  const calm = tally.calmSeeds.length === 0 ? [] : [`too little happened in: ${tally.calmSeeds.join(', ')}`];
  return [
    `${tally.seedCount} seeds in ${(elapsedMs / 1_000).toFixed(1)} s: ${perMinute.toFixed(0)} a minute`,
    `${hours(tally.simulatedMs)} simulated, ${tally.operations} operations of clients, ${tally.events} events`,
    ...busy,
    `all traces together: ${tally.traceHash}`,
    ...twice,
    ...calm,
    '',
    'faults that had an effect        faults    seeds',
    ...faultLines(tally),
    '',
    'code paths reached                                         seeds',
    ...reachedLines(tally),
    '',
    ...missedLines(tally, expected),
  ].join('\n');
}

/** What is known of a seed that failed, and how to see it again. */
export function explain({ result, shrunk, remark }: Failure): string {
  const { seed, violation, lastEvents, faults } = result;
  const shown = shrunk?.items ?? faults;
  const [what, ...details] = (violation?.what ?? '').split('\n');
  return [
    `seed ${seed} FAILED at ${((violation?.simulatedMs ?? 0) / 1_000).toFixed(3)} s of simulated time`,
    `violation: ${what}`,
    ...details,
    '',
    `the last ${Math.min(EVENTS_SHOWN, lastEvents.length)} events:`,
    ...lastEvents.slice(-EVENTS_SHOWN),
    '',
    ...(remark === undefined ? [] : [remark]),
    shrunk === undefined ? `its ${faults.length} faults:` : shrunkLine(faults.length, shrunk),
    JSON.stringify(shown),
    '',
    `again: npm run sim -- --seed ${seed}`,
    'with these faults only: put the list into a file and add --faults FILE',
  ].join('\n');
}

/** The same as data. */
export function summarize({ tally, failures, elapsedMs, twiceCount }: CampaignResult): object {
  return {
    seeds: tally.seedCount,
    elapsedMs: Math.round(elapsedMs),
    seedsPerMinute: Math.round((60_000 * tally.seedCount) / Math.max(1, elapsedMs)),
    processorMs: Math.round(tally.processorMs),
    simulatedMs: tally.simulatedMs,
    operations: tally.operations,
    events: tally.events,
    traceHash: tally.traceHash,
    traces: tally.traces,
    twice: twiceCount,
    calmSeeds: tally.calmSeeds,
    effective: Object.fromEntries(tally.effective),
    effects: Object.fromEntries(tally.effects),
    reached: Object.fromEntries(tally.reached),
    failures: failures.map(({ result, shrunk, remark }) => ({
      seed: result.seed,
      violation: result.violation,
      remark,
      options: result.options,
      faults: shrunk?.items ?? result.faults,
      isShrunk: shrunk !== undefined,
    })),
  };
}

function shrunkLine(before: number, { items, runCount, isMinimal }: NonNullable<Failure['shrunk']>): string {
  const needed = isMinimal ? 'none of which can be left out' : 'perhaps more than it needs';
  return `it still fails with ${items.length} of ${before} faults, ${needed} (${runCount} runs):`;
}

function faultLines({ effective }: Tally): string[] {
  const names = [...new Set([...FAULT_KINDS.keys(), ...effective.keys()])];
  return names.map((name) => {
    const { count, seedCount } = effective.get(name) ?? { count: 0, seedCount: 0 };
    return `  ${name.padEnd(30)} ${String(count).padStart(6)} ${String(seedCount).padStart(8)}`;
  });
}

function reachedLines({ reached }: Tally): string[] {
  const paths = [...reached].sort(([one, seeds], [other, otherSeeds]) => otherSeeds - seeds || (one < other ? -1 : 1));
  return paths.map(([path, seedCount]) => `  ${path.slice(0, PATH_WIDTH).padEnd(56)} ${String(seedCount).padStart(6)}`);
}

function missedLines({ reached }: Tally, expected: ReadonlySet<string>): string[] {
  const missed = [...expected].filter((path) => !reached.has(path)).sort();
  if (missed.length === 0) return ['no code path that is looked for was missed'];
  return ['code paths never reached', ...missed.map((path) => `  ${path.slice(0, PATH_WIDTH)}`)];
}
