/** What keeps a cluster well, asked of a member of a test's making. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { MemberClient } from '../../asking/member-client.js';
import type { Context } from '../../asking/runner.js';
import { runHere } from '../../testing/run-here.js';
import { checkPerf, checkScale } from './check.js';

const running: RunningMember[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const member of running.splice(0)) await member.close();
  for (const server of servers.splice(0)) server.close();
});

async function member(): Promise<string> {
  const one = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0' });
  running.push(one);
  return one.clientUrl as string;
}

/** As much of what a command works with as a check needs. */
function contextOf(...endpoints: string[]): { readonly context: Context; readonly said: string[] } {
  const said: string[] = [];
  const tls = { isPlain: true, isUnverified: false };
  const times = { timeoutMs: 5_000, dialMs: 2_000, keepAliveMs: 10_000, keepAliveTimeoutMs: 6_000 };
  const client = new MemberClient({ endpoints, ...times, tls });
  const settings = { 'command-timeout': 5_000, 'insecure-skip-tls-verify': false };
  return { said, context: { client, settings, say: (line: string) => void said.push(line) } as unknown as Context };
}

const FLAGS = { load: 's', prefix: '/check/' };

describe('conclave check perf', () => {
  test('says what it measured, and leaves no key', async () => {
    const url = await member();
    const { context, said } = contextOf(url);

    const isWell = await checkPerf(
      context,
      { ...FLAGS, autoCompact: true },
      { putsPerSecond: 20, clients: 2, seconds: 1 },
    );
    context.client.close();

    const [, throughput, slowest, stddev, verdict] = said.slice(1);
    expect(said[0]).toMatch(/^Compacting with revision \d+$/);
    expect(throughput).toMatch(/^(PASS: Throughput is|FAIL: Throughput too low:) \d+ writes\/s$/);
    expect(slowest).toMatch(/^(PASS: Slowest request took|Slowest request took too long:) \d+\.\d{6}s$/);
    expect(stddev).toMatch(/^(PASS: Stddev is|Stddev too high:) \d+\.\d{6}s$/);
    expect(verdict).toBe(isWell ? 'PASS' : 'FAIL');
    expect((await runHere(['get', '--prefix', '/check/'], { env: { ETCDCTL_ENDPOINTS: url } })).out).toBe('');
  });

  test('fails where the rate is out of reach', async () => {
    const { context, said } = contextOf(await member());

    expect(await checkPerf(context, FLAGS, { putsPerSecond: 1_000_000, clients: 1, seconds: 0.2 })).toBe(false);
    context.client.close();

    expect(said[0]).toMatch(/^FAIL: Throughput too low: \d+ writes\/s$/);
    expect(said.at(-1)).toBe('FAIL');
  });

  test('does not touch keys that are there', async () => {
    const url = await member();
    const env = { ETCDCTL_ENDPOINTS: url };
    await runHere(['put', '/etcdctl-check-perf/mine', 'x'], { env });

    expect(await runHere(['check', 'perf'], { env })).toEqual({
      code: 1,
      out: '',
      err: 'Error: prefix "/etcdctl-check-perf/" has keys. Delete with conclave del --prefix /etcdctl-check-perf/ first\n',
    });
    expect((await runHere(['check', 'perf', '--load', 'xxl'], { env })).code).toBe(2);
    expect((await runHere(['get', '/etcdctl-check-perf/mine'], { env })).out).toBe('/etcdctl-check-perf/mine\nx\n');
  });
});

describe('conclave check datascale', () => {
  /** An endpoint that has nothing but metrics; keys go to another one. */
  async function metrics(...readings: string[]): Promise<string> {
    const server = createServer((_request, response) => response.end(readings.shift() ?? '')).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  test('tells how much more memory the first endpoint has', async () => {
    const gauge = (bytes: number) => `# HELP x\nprocess_resident_memory_bytes ${bytes.toExponential()}\nother 1\n`;
    const url = await member();
    const measured = await metrics(gauge(10 * 1_048_576), gauge(12.5 * 1_048_576));
    const { context, said } = contextOf(url);
    // Keys go to a member, and the metrics are read from elsewhere.
    const { client } = context;
    const splitClient = { endpoints: [measured], settings: client.settings, ask: client.ask.bind(client) };

    const isWell = await checkScale({ ...context, client: splitClient as unknown as MemberClient }, FLAGS, {
      puts: 20,
      clients: 2,
    });
    client.close();

    expect(isWell).toBe(true);
    expect(said).toEqual([
      'Start data scale check for work load [20 key-value pairs, 1024 bytes per key-value, 2 concurrent clients].',
      'PASS: Approximate system memory used : 2.50 MB.',
    ]);
  });
});

describe('conclave completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s knows every command and flag', async (shell) => {
    const { code, out } = await runHere(['completion', shell]);

    expect(code).toBe(0);
    for (const word of ['keep-alive', 'grant-permission', 'datascale', 'make-mirror', 'ignore-lease', 'cacert']) {
      expect(out).toContain(word);
    }
  });
});
