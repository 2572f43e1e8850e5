/** The examples of the page on the command line: run one after the other, against a member of their own. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runHere } from '../core/cli/testing/run-here.js';
import { type RunningMember, startMember } from '../core/server/start-member.js';
import { commandsOf, complaintAbout } from './testing/commands.js';
import { readPage } from './testing/pages.js';
import { examplesOf, Ids } from './testing/sessions.js';

const page = readPage('docs/command-line.md');
const examples = examplesOf(page);

let running: RunningMember;
const ids = new Ids();

beforeAll(async () => {
  running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
});
afterAll(() => running.close());

describe('an example of the command line', () => {
  test('there are many', () => {
    expect(examples.length).toBeGreaterThan(25);
  });

  test.each(examples)('$command', async ({ command, stdin, output }) => {
    const args = shellWords(ids.here(command));
    const env = { ...process.env, ETCDCTL_ENDPOINTS: running.clientUrl };

    const { out, err } = await runHere(args.slice(1), { env, stdin });

    expect(err).toBe('');
    expect(ids.mismatch(output, Buffer.from(out, 'latin1').toString())).toBeUndefined();
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

/** What a shell makes of a line that has no more than spaces and single quotes. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
