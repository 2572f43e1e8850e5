/** What pages have their readers type, one line after the other, and what they say comes of it. */
import type { Page } from './pages.js';

/** A line that begins with a dollar, what it reads where `<<'END'` says so, and what it tells. */
export interface Example {
  /** From 1. */
  readonly line: number;
  readonly command: string;
  readonly stdin: string;
  readonly output: string;
  /** The words after the fence of its block. */
  readonly words: readonly string[];
}

/** All that the page shows as typed: its blocks of `console`. */
export function examplesOf(page: Page): Example[] {
  return page.blocks
    .filter(({ language }) => language === 'console')
    .flatMap(({ text, words, openLine }) => examplesIn(text.split('\n'), words, openLine + 2));
}

function examplesIn(lines: readonly string[], words: readonly string[], firstLine: number): Example[] {
  const found: Example[] = [];
  for (let at = 0; at < lines.length;) {
    const line = firstLine + at;
    const [, command = '', here] = /^\$ (.*?)( <<'END')?$/.exec(lines[at] as string) ?? [];
    at += 1;
    const end = here === undefined ? at : lines.indexOf('END', at);
    const stdin = lines.slice(at, end).join('\n');
    at = here === undefined ? at : end + 1;
    const next = lines.findIndex((text, index) => index >= at && text.startsWith('$ '));
    const output = lines.slice(at, next < 0 ? lines.length : next);
    found.push({
      ...{ line, command, words },
      stdin: stdin === '' ? '' : `${stdin}\n`,
      output: output.map((text) => `${text}\n`).join(''),
    });
    at += output.length;
  }
  return found;
}

/** Ids as they are printed, without zeros in front. */
const ID = /\b(?=\d*[a-f])[0-9a-f]{10,16}\b/g;

/** What is another each time a page is followed: ids of leases and members. The others are learned as they appear. */
export class Ids {
  readonly #found = new Map<string, string>();

  /** With the ids that there are here, in place of the page's. */
  here(text: string): string {
    return text.replaceAll(ID, (id) => this.#found.get(id) ?? id);
  }

  /**
   * Holds what was told against the page.
   *
   * @returns undefined if it is so; then its ids are known
   */
  mismatch(expected: string, told: string): { readonly expected: string; readonly told: string } | undefined {
    const found = new RegExp(`^${patternOf(expected)}$`).exec(told);
    if (found === null) return { expected, told };
    for (const [index, id] of (expected.match(ID) ?? []).entries()) this.#found.set(id, found[index + 1] as string);
    return undefined;
  }
}

/** An output as a pattern: ids, times, sizes, fencing tokens and how far a log is are others each time. */
function patternOf(output: string): string {
  return output
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll(ID, '([0-9a-f]{9,16})')
    .replaceAll(/remaining\\\(\d+s/g, 'remaining\\(\\d+s')
    .replaceAll(/token \d+/g, 'token \\d+')
    .replaceAll(/took = .*/g, 'took = .*')
    .replaceAll(/127\\.0\\.0\\.1:\d+/g, '127\\.0\\.0\\.1:\\d+')
    .replaceAll(/, \d+\\.\d+\\.\d+, \d+ kB, true, false, .*/g, ', [\\d.]+, \\d+ kB, true, false, \\d+, \\d+, \\d+, ')
    .replaceAll(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":\\d+');
}
