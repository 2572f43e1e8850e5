/** Markdown as the tests of the documentation read it: pages, their fenced blocks, headings and links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The repository, in which all tests run. */
export const ROOT = process.cwd();

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage']);

/** A fenced block. */
export interface Block {
  /** The first word after the fence, such as `ts`. */
  readonly language: string;
  /** The other words after the fence. */
  readonly words: readonly string[];
  /** The line of the opening fence, from 0. */
  readonly openLine: number;
  /** The line of the closing fence. */
  readonly closeLine: number;
  readonly text: string;
}

/** A file of documentation. */
export interface Page {
  /** From the top of the repository, such as `docs/quick-start.md`. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly blocks: readonly Block[];
  /** The page without its fenced blocks, which are left as empty lines. */
  readonly prose: readonly string[];
}

/** Every page of the repository. */
export function allPages(): Page[] {
  return markdownBelow(ROOT).map((path) => readPage(relative(ROOT, path)));
}

/** @throws if a fenced block is not closed */
export function readPage(path: string): Page {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  const blocks = readBlocks(path, lines);
  const prose = [...lines];
  for (const { openLine, closeLine } of blocks) prose.fill('', openLine, closeLine + 1);
  return { path, lines, blocks, prose };
}

/** What a link to a heading of the page may be, as GitHub makes it of the heading's text. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const line of page.prose) {
    const heading = /^#{1,6} (.+)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    anchors.add(slug);
  }
  return anchors;
}

/** The targets of a page's links that are no URLs, with their lines from 1. */
export function relativeLinks(page: Page): { readonly target: string; readonly line: number }[] {
  return page.prose.flatMap((text, index) =>
    [...text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => ({ target, line: index + 1 }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );
}

function markdownBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function readBlocks(path: string, lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  for (let openLine = 0; openLine < lines.length; openLine += 1) {
    const [, indent, info] = /^(\s*)```(\S.*)?$/.exec(lines[openLine] ?? '') ?? [];
    if (indent === undefined) continue;
    const closeLine = lines.indexOf(`${indent}\`\`\``, openLine + 1);
    if (closeLine === -1) throw new Error(`${path}:${openLine + 1}: the block is not closed`);
    const [language = '', ...words] = (info ?? '').trim().split(/\s+/);
    const text = lines
      .slice(openLine + 1, closeLine)
      .map((line) => line.slice(indent.length))
      .join('\n');
    blocks.push({ language, words, openLine, closeLine, text });
    openLine = closeLine;
  }
  return blocks;
}
