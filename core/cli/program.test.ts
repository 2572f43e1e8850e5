import { describe, expect, test } from '@jest/globals';
import { runCommandLine } from './program.js';
import type { ServeFlags } from './serve-flags.js';

/** How starting a server, draining it, and refusing a folder look from outside is shown in `core/testing/process`. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  let text = '';
  const served: ServeFlags[] = [];
  const write = (more: string) => void (text += more);
  const code = await runCommandLine(args, {
    writeOut: write,
    writeErr: write,
    env,
    serve: async (flags) => {
      served.push(flags);
      return 0;
    },
  });
  return { code, text, served: served[0] };
}

describe('the command line', () => {
  test.each([
    [['serve', '--no-such-option'], '--no-such-option'],
    [['serve', '--max-request-bytes', '1.5'], '--max-request-bytes is "1.5"; it must be a whole number'],
    [['serve', '--log-level', 'loud'], 'debug, info, warn, error'],
    [['serve', 'something'], 'too many arguments'],
    [['serve', '--endpoints', 'a:1'], '--endpoints is for the commands that ask members'],
    [['serve', '--snapshot-count', '1'], 'etcd has --snapshot-count, Conclave does not have it yet'],
    [['serve', '-wal-dir=x'], 'etcd has --wal-dir, Conclave does not have it yet'],
    [['dance'], 'dance'],
    [[], 'serve'],
    [['member'], 'replace'],
    [['member', 'add', 'b'], '--peer-urls'],
    [['member', 'add', 'b', '--peer-urls', 'http://h:1,'], '--peer-urls is "http://h:1,"'],
    [['member', 'remove', 'xyz'], 'id is "xyz"'],
    [['member', 'list', '--consistency', 'x'], 'one of l, s'],
    [['member', 'list', '--endpoints', 'ftp://a:1'], '--endpoints is "ftp://a:1"'],
    [['endpoint', 'status', '--command-timeout', '0s'], '--command-timeout is "0s"'],
    [['move-leader'], 'id'],
  ])('%j is answered with 2 and a word about it', async (args, word) => {
    const { code, text, served } = await run(args);

    expect(code).toBe(2);
    expect(text).toContain(word);
    expect(served).toBeUndefined();
  });

  test('a variable that makes no sense is named in place of its flag', async () => {
    const { code, text } = await run(['serve'], { ETCD_ELECTION_TIMEOUT: 'soon' });

    expect(code).toBe(2);
    expect(text).toContain('ETCD_ELECTION_TIMEOUT is "soon"; it must be a whole number from 1 to 50000');
  });

  test('flags reach the member, in every way that etcd takes them', async () => {
    const args = ['--name', 'a', '-data-dir=d', '--force-new-cluster', '--strict-reconfig-check=false', '--pre-vote'];

    const { code, served } = await run(['serve', ...args], { ETCD_NAME: 'b', ETCD_HEARTBEAT_INTERVAL: '50' });

    expect(code).toBe(0);
    expect(served).toEqual({
      name: 'a',
      'data-dir': 'd',
      'force-new-cluster': true,
      'strict-reconfig-check': false,
      'pre-vote': true,
      'heartbeat-interval': 50,
    });
  });

  test('rules are given one by one, or together', async () => {
    const rules = ['--rate-limit', 'prefix=a,per-second=1', '--rate-limit=prefix=b,per-second=2;prefix=c,per-second=3'];
    const { served } = await run(['serve', ...rules]);

    expect(served?.['rate-limit']).toEqual([
      { prefix: 'a', perSecond: 1 },
      { prefix: 'b', perSecond: 2 },
      { prefix: 'c', perSecond: 3 },
    ]);
  });

  test('help is answered with 0, and tells flags, defaults and variables', async () => {
    const { code, text } = await run(['serve', '--help']);

    expect(code).toBe(0);
    for (const option of ['--data-dir', '--memory', '--listen-client-urls', '--initial-cluster', '--log-level']) {
      expect(text).toContain(option);
    }
    expect(text.replaceAll(/\s+/g, ' ')).toContain('(default: 1000, env: ETCD_ELECTION_TIMEOUT)');
    expect(text).not.toContain('--endpoints');
  });

  test('the version is answered with 0', async () => {
    const { code, text } = await run(['--version']);

    expect(code).toBe(0);
    expect(text).toMatch(/^conclave Version: \d+\.\d+\.\d+\S*\netcd API Version: 3\.\d+\.\d+\n$/);
  });
});
