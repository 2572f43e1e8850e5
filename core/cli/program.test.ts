import { describe, expect, test } from '@jest/globals';
import { runCommandLine } from './program.js';

/** How starting a server, draining it, and refusing a folder look from outside is shown in `core/testing/process`. */
async function run(...args: string[]) {
  let text = '';
  const write = (more: string) => (text += more);
  const code = await runCommandLine(args, { writeOut: write, writeErr: write });
  return { code, text };
}

describe('the command line', () => {
  test.each([
    [['serve', '--no-such-option'], '--no-such-option'],
    [['serve', '--initial-cluster', 'a=http://b:1'], '--initial-cluster'],
    [['serve', '--max-request-bytes', '1.5'], 'whole number'],
    [['serve', '--log-level', 'loud'], 'debug, info, warn, error'],
    [['serve', '--memory', '--data-dir', 'd'], 'cannot be used with'],
    [['serve', 'something'], 'too many arguments'],
    [['dance'], 'dance'],
    [[], 'serve'],
  ])('%j is answered with 2 and a word about it', async (args, word) => {
    const { code, text } = await run(...args);

    expect(code).toBe(2);
    expect(text).toContain(word);
  });

  test('help is answered with 0', async () => {
    const { code, text } = await run('serve', '--help');

    expect(code).toBe(0);
    for (const option of [
      '--data-dir',
      '--memory',
      '--listen-client-urls',
      '--name',
      '--max-request-bytes',
      '--log-level',
    ]) {
      expect(text).toContain(option);
    }
  });
});
