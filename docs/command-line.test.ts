/** The examples of the page on the command line: run one after the other, against a member of their own. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runHere } from '../core/cli/testing/run-here.js';
import { type RunningMember, startMember } from '../core/server/start-member.js';
import { commandsOf, complaintAbout } from './testing/commands.js';
import { readPage } from './testing/pages.js';

interface Example {
  readonly line: number;
  readonly command: string;
  readonly stdin: string;
  readonly output: string;
}

const page = readPage('docs/command-line.md');
const examples = page.blocks
  .filter(({ language }) => language === 'console')
  .flatMap(({ text, openLine }) => examplesIn(text.split('\n'), openLine + 2));

let running: RunningMember;
/** Ids of the page, and what they are here. */
const ids = new Map<string, string>();

beforeAll(async () => {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
});
afterAll(() => running.close());

describe('an example of the command line', () => {
  test('there are many', () => {
    expect(examples.length).toBeGreaterThan(25);
  });

  test.each(examples)('$command', async ({ command, stdin, output }) => {
    const args = shellWords(command).map((word) => ids.get(word) ?? word);
    const env = { ...process.env, ETCDCTL_ENDPOINTS: running.clientUrl };

    const { out, err } = await runHere(args.slice(1), { env, stdin });

    expect(err).toBe('');
    const found = new RegExp(`^${patternOf(output)}$`).exec(Buffer.from(out, 'latin1').toString());
    expect(found ?? out).toEqual(found);
    for (const [index, id] of idsIn(output).entries()) ids.set(id, found?.[index + 1] as string);
  });
});

test('every command and flag that the page shows is there', async () => {
  const ours = commandsOf(page).filter(({ words }) => words[0] === 'conclave');
  const complaints: unknown[] = [];
  for (const { line, words } of ours) {
    const complaint = await complaintAbout({ line, words: ['npx', ...words] }, new Set());
    if (complaint !== undefined) complaints.push({ line, complaint });
  }
  expect(complaints).toEqual([]);
  expect(ours.length).toBeGreaterThan(20);
});

/** A line that begins with a dollar, what is read where `<<'END'` says so, and what is told. */
function examplesIn(lines: readonly string[], firstLine: number): Example[] {
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
      line,
      command,
      stdin: stdin === '' ? '' : `${stdin}\n`,
      output: output.map((text) => `${text}\n`).join(''),
    });
    at += output.length;
  }
  return found;
}

/** What a shell makes of a line that has no more than spaces and single quotes. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

/** An output as a pattern: ids of leases, seconds that are left and fencing tokens are others each time. */
function patternOf(output: string): string {
  return output
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll(/\b[0-9a-f]{16}\b/g, '([0-9a-f]{16})')
    .replaceAll(/remaining\\\(\d+s/g, 'remaining\\(\\d+s')
    .replaceAll(/token \d+/g, 'token \\d+');
}

function idsIn(output: string): string[] {
  return output.match(/\b[0-9a-f]{16}\b/g) ?? [];
}
