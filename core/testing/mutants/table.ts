import type { Finding } from './layers/layer.js';
import type { Trial } from './trial.js';

/** One line for each mutant: its name, the rows it stands for, who caught it, after how much and in how many seconds. */
export function tableOf(trials: readonly Trial[]): string {
  const cells = trials.map((trial) => [
    trial.mutant.name,
    trial.mutant.rows.join(' '),
    trial.caughtBy ?? (trial.errors.length > 0 ? 'ERROR' : 'SURVIVED'),
    tookText(catching(trial)),
    secondsText(catching(trial)),
  ]);
  const head = ['mutant', 'rows', 'caught by', 'after', 'seconds'];
  const widths = head.map((title, at) => Math.max(title.length, ...cells.map((row) => (row[at] as string).length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] as number))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** How many were caught, and what it took: the median and the most, of seconds, and of each kind of thing that is counted. */
export function summaryOf(trials: readonly Trial[]): string {
  const caught = trials.map(catching).filter((finding) => finding !== undefined);
  const counted = new Map<string, number[]>([['seconds', caught.map(({ seconds }) => seconds)]]);
  for (const { took } of caught) {
    if (took !== undefined) counted.set(took.unit, [...(counted.get(took.unit) ?? []), took.count]);
  }
  const figures = [...counted].map(
    ([unit, amounts]) => `${unit}: median ${median(amounts)}, most ${round(Math.max(...amounts))}`,
  );
  return [`${caught.length} of ${trials.length} mutants were caught`, ...(caught.length > 0 ? figures : [])].join('; ');
}

function catching({ caughtBy, findings }: Trial): Finding | undefined {
  return findings.find(({ layer, verdict }) => layer === caughtBy && verdict === 'caught');
}

function tookText(finding: Finding | undefined): string {
  return finding?.took === undefined ? '' : `${finding.took.count} ${finding.took.unit}`;
}

function secondsText(finding: Finding | undefined): string {
  return finding === undefined ? '' : finding.seconds.toFixed(1);
}

function median(amounts: readonly number[]): number {
  const ascending = [...amounts].sort((a, b) => a - b);
  return round(ascending[Math.floor((ascending.length - 1) / 2)] as number);
}

function round(amount: number): number {
  return Math.round(amount * 10) / 10;
}
