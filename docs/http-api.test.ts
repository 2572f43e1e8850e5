/** Does what `http-api.md` has its readers do, on a new member, one example after the other. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../core/server/start-member.js';
import { readPage } from './testing/pages.js';
import { isOnPath } from './testing/tools.js';

const page = readPage('docs/http-api.md');
const run = promisify(execFile);

/** What the reader types, and what the page says comes of it. */
const examples = [...page.lines.join('\n').matchAll(/```sh\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
  ([, commands = '', output = '']) => ({ commands: commands.trim(), output: output.trim() }),
);

let member: RunningMember;
beforeAll(async () => {
  member = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', authPasswordCost: 4 });
});
afterAll(() => member.close());

/** What nobody knows beforehand, as the page writes it. */
function shown(output: string): string {
  return output.replace(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"…"').trim();
}

test('the page has examples of everything', () => {
  expect(examples.length).toBeGreaterThanOrEqual(10);
});

(isOnPath('curl', ['--version']) ? test : test.skip)(
  'what the page has its readers type answers what it says',
  async () => {
    for (const { commands, output } of examples) {
      // `-m` ends a stream, which curl calls a failure: what came before counts.
      const lines = ['exec 2>&1', ...commands.split('\n')].join('\n');
      const environment = { ...process.env, URL: member.clientUrl };
      const { stdout } = await run('sh', ['-c', `${lines}\ntrue`], { env: environment });

      const answer = shown(stdout);
      // Of several commands, the page tells what the last one answers.
      expect({ commands, answer: answer.slice(-output.length) }).toEqual({ commands, answer: output });
    }
  },
  60_000,
);
