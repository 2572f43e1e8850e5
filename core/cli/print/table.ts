/** Titles, and rows of as many cells. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A table as etcdctl draws it: titles in the middle, cells to the right. */
export function drawTable({ head, rows }: Table): string {
  const cells = rows.map((row) => row.map(String));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] as string).length)),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (texts: readonly string[]) => `|${texts.map((text) => ` ${text} `).join('|')}|`;
  const titles = head.map((title, column) => centred(title, widths[column] as number));
  const body = cells.map((row) => line(row.map((cell, column) => cell.padStart(widths[column] as number))));
  return [rule, line(titles), rule, ...body, rule].join('\n');
}

function centred(text: string, width: number): string {
  const before = Math.floor((width - text.length) / 2);
  return `${' '.repeat(before)}${text}`.padEnd(width);
}
