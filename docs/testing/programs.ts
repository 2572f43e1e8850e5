/**
 * The programs that a page's code blocks make up.
 *
 * A `ts` or `js` block with imports begins a program. A block without goes on from the last that has them, in a scope of
 * its own, so that it may name its variables as it likes. Words after the language:
 *
 * - `check-only`: is type-checked and not run, because it needs something that a test does not have
 * - a name such as `worker.mjs`: the reader saves it under this name
 *
 * A block of `text output` is something that the program before it prints.
 */
import type { Block, Page } from './pages.js';

export interface Program {
  readonly page: string;
  /** From 1: where it begins on the page. */
  readonly line: number;
  /** Its code, each line on that line of the page which has it; what is no code is empty. */
  readonly source: string;
  readonly isCheckOnly: boolean;
  /** The name under which the reader saves it, if there is one. */
  readonly fileName?: string;
  /** What the page says that it prints: these texts, in this order, and perhaps others. */
  readonly outputs: readonly string[];
}

interface Group {
  readonly first: Block;
  readonly others: Block[];
  readonly isCheckOnly: boolean;
  readonly outputs: string[];
}

/** @throws if a block goes on from nothing */
export function programsOf(page: Page): Program[] {
  const groups: Group[] = [];
  for (const block of page.blocks) {
    if (block.language === 'text' && block.words.includes('output')) {
      groups.at(-1)?.outputs.push(`${block.text}\n`);
    } else if (block.language === 'ts' || block.language === 'js') {
      addTo(groups, block, page);
    }
  }
  return groups.map((group) => toProgram(page, group));
}

function addTo(groups: Group[], block: Block, page: Page): void {
  const isCheckOnly = block.words.includes('check-only');
  if (/^import /m.test(block.text)) {
    groups.push({ first: block, others: [], isCheckOnly, outputs: [] });
    return;
  }
  const base = groups.findLast((group) => !group.isCheckOnly);
  if (!base) throw new Error(`${page.path}:${block.openLine + 1}: the block has no imports, and goes on from nothing`);
  if (isCheckOnly) groups.push({ first: base.first, others: [...base.others, block], isCheckOnly, outputs: [] });
  else base.others.push(block);
}

function toProgram(page: Page, { first, others, isCheckOnly, outputs }: Group): Program {
  const lines = page.lines.map(() => '');
  const place = (block: Block) =>
    block.text.split('\n').forEach((line, index) => (lines[block.openLine + 1 + index] = line));
  place(first);
  for (const block of others) {
    lines[block.openLine] = '{';
    place(block);
    lines[block.closeLine] = '}';
  }
  const fileName = first.words.find((word) => word.endsWith('.mjs'));
  return {
    page: page.path,
    line: first.openLine + 2,
    source: lines.join('\n'),
    isCheckOnly,
    outputs,
    ...(fileName !== undefined && { fileName }),
  };
}
