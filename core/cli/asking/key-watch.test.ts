/** What goes on while members go and come again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type RunningMember, startMember } from '../../server/start-member.js';
import { freePorts } from '../../testing/cluster/free-ports.js';
import { runHere, startHere } from '../testing/run-here.js';

let folder: string;
let port: number;
let running: RunningMember;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-goes-on-'));
  [port = 0] = await freePorts(1);
  await startAgain();
});
afterEach(async () => {
  await running.close();
  await rm(folder, { recursive: true });
});

async function startAgain(): Promise<void> {
  running = await startMember({ dataDir: join(folder, 'data') }, { name: 'm1', listen: `http://127.0.0.1:${port}` });
}

// The first address is one where nobody is.
const env = () => ({ ...process.env, ETCDCTL_ENDPOINTS: `127.0.0.1:1,127.0.0.1:${port}` });

test('a watch is taken up where it was, and tells nothing twice', async () => {
  await runHere(['put', 'w', '1'], { env: env() });
  const watch = startHere(['watch', 'w', '--rev', '1'], { env: env() });
  await watch.untilLines(3);

  await running.close();
  await startAgain();
  await runHere(['put', 'w', '2'], { env: env() });
  await watch.untilLines(6);

  expect(await watch.end()).toEqual({ code: 0, out: 'PUT\nw\n1\nPUT\nw\n2\n', err: '' });
}, 30_000);

test('a lock is held on', async () => {
  const lock = startHere(['lock', 'l', '--ttl', '60'], { env: env() });
  await lock.untilLines(2);

  await running.close();
  await startAgain();

  expect((await runHere(['get', '--prefix', 'l/', '--count-only'], { env: env() })).out).toBe('1\n');
  expect(await lock.end()).toMatchObject({ code: 0, err: '' });
  expect((await runHere(['get', '--prefix', 'l/', '--count-only'], { env: env() })).out).toBe('0\n');
}, 30_000);

test('a watch that cannot begin says why', async () => {
  const { code, err } = await runHere(['watch', 'w'], { env: { ETCDCTL_ENDPOINTS: '127.0.0.1:1' } });

  expect({ code, err }).toEqual({ code: 1, err: 'Error: 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n' });
});
