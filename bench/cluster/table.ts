import { figure } from '../measure.js';

/** One line: what was measured, and what each contestant came to. */
export interface Line {
  readonly what: string;
  readonly unit: string;
  /** By contestant, in the order of the contestants; undefined where there is none. */
  readonly figures: readonly (number | undefined)[];
  readonly besides?: string;
}

/** A table with a column for each contestant, and how the first stands to the second. */
export function printContest(title: string, names: readonly string[], lines: readonly Line[]): void {
  const rows = lines.map(({ what, unit, figures, besides = '' }) => [
    what,
    ...figures.map((value) => (value === undefined ? '' : figure(value, unit))),
    ...(names.length > 1 ? [ratio(figures)] : []),
    besides,
  ]);
  const head = ['', ...names, ...(names.length > 1 ? [`${names[0]} / ${names[1]}`] : []), ''];
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, at) =>
      at === 0 || at === row.length - 1 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number),
    );
    console.log(`  ${cells.join('  ')}`.trimEnd());
  }
}

function ratio([one, other]: readonly (number | undefined)[]): string {
  return one === undefined || other === undefined || other === 0 ? '' : (one / other).toFixed(2);
}
