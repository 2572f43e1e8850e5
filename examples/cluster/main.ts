/**
 * `npm run cluster`: three members, each a process of its own, and a writer. Kill one of them (`kill -9` and the number in the
 * table) and see what becomes of the writes; it is started again after a moment. Ends with Ctrl-C, or after `--seconds N`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect, type Store } from 'conclave';
import { MemberLife } from './member-life.js';
import { Screen } from './screen.js';
import { Writer } from './writer.js';

const NAMES = ['ada', 'bob', 'cyd'];
const CONNECT_ATTEMPTS = 10;

const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
const over = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => over.abort());
const screen = new Screen(process.stdout);
const folder = await mkdtemp(join(tmpdir(), 'conclave-cluster-example-'));
const members = await startMembers();
let store: Store | undefined;
try {
  store = await connectPatiently(members.map(({ place }) => place.clientUrl).join(','));
  const writer = new Writer(store);
  screen.show(members, writer);
  const forMs = values.seconds === undefined ? 2 ** 31 - 1 : Number(values.seconds) * 1_000;
  await delay(forMs, undefined, { signal: over.signal }).catch(() => undefined);
  const { lostCount } = await writer.end();
  screen.end();
  const { acknowledgedCount } = writer;
  process.stdout.write(`${acknowledgedCount} writes were acknowledged, ${lostCount} of them are lost\n`);
  process.exitCode = lostCount === 0 ? 0 : 1;
} finally {
  screen.end();
  await store?.close();
  await Promise.all(members.map((member) => member.end()));
  await rm(folder, { recursive: true, force: true });
}

async function startMembers(): Promise<MemberLife[]> {
  const ports = await freePorts(2 * NAMES.length);
  const urlOf = (at: number) => `http://127.0.0.1:${ports[at]}`;
  const peers = Object.fromEntries(NAMES.map((name, at) => [name, urlOf(NAMES.length + at)]));
  return NAMES.map((name, at) => {
    const place = { name, dataDir: join(folder, name), clientUrl: urlOf(at), peers };
    return new MemberLife(place, (what) => screen.say(what));
  });
}

/** The members have only just been started. */
async function connectPatiently(url: string): Promise<Store> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect(url);
    } catch (error) {
      if (attempt === CONNECT_ATTEMPTS || over.signal.aborted) throw error;
      await delay(200);
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
