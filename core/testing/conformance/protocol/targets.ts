import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningMember, startMember, type StartOptions } from '../../../server/start-member.js';
import { freePorts } from '../../cluster/free-ports.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { findEtcd, startEtcd } from '../../etcd-process.js';
import type { ServerName } from './rule.js';
import { type Listening, ServerUnderTest } from './server-under-test.js';

const LISTEN = 'http://127.0.0.1:0';
/** Of hashing a password, in all targets: the least, which keeps the cases quick. */
const PASSWORD_COST = 4;
/** Of the server that is made full. */
const QUOTA_BYTES = 4 * 2 ** 20;

/** At free ports that somebody else took. */
const START_ATTEMPTS = 3;

/** Until a member whose others are gone knows that nobody leads. */
const LEADERLESS_MS = 20_000;

/** Something that the table is run against. */
export interface Target {
  readonly name: string;
  /** Of an etcd; undefined: it is Conclave. */
  readonly etcdVersion: string | undefined;
  readonly members: 'one' | 'several';
  /** The servers it has; cases on others are not run on it. */
  readonly servers: readonly ServerName[];
  /** Starts one: a `ServerUnderTest` for each of its members. Asked once for each of `servers`. */
  start(server: ServerName): Promise<readonly ServerUnderTest[]>;
  stop(): Promise<void>;
}

/** By which tokens of the server `jwt` are signed. */
const SIGN_METHOD = 'HS256';
const SECRET = 'thirty-two letters that nobody knows';

/** How etcd is started, in addition to what it always is. */
const ETCD_FLAGS: Readonly<Record<ServerName, readonly string[]>> = {
  shared: [],
  fresh: [],
  members: [],
  auth: ['--bcrypt-cost', String(PASSWORD_COST)],
  jwt: ['--bcrypt-cost', String(PASSWORD_COST)],
  quota: ['--quota-backend-bytes', String(QUOTA_BYTES)],
  minority: [],
};

/** How a Conclave member is started, in addition to what it always is. */
const OPTIONS: Readonly<Record<ServerName, StartOptions>> = {
  shared: {},
  fresh: {},
  members: {},
  auth: { authPasswordCost: PASSWORD_COST },
  jwt: { authPasswordCost: PASSWORD_COST, authToken: { signMethod: SIGN_METHOD, privateKey: SECRET } },
  quota: { quotaBackendBytes: QUOTA_BYTES },
  minority: {},
};

const SERVERS = ['shared', 'fresh', 'members', 'auth', 'jwt', 'quota'] as const;
/** Which of them can be reached by others, and have a folder therefore, or need one by themselves. */
const IN_FOLDERS: ReadonlySet<ServerName> = new Set(['members', 'quota']);
/** Which of three members are processes of their own: the same three. */
const AS_PROCESSES: ReadonlySet<ServerName> = new Set(['shared', 'members']);

/** An etcd on the PATH with one member; undefined where there is none. */
export function etcdTarget(): Target | undefined {
  const binary = findEtcd();
  if (binary === undefined) return undefined;
  const etcdVersion = /etcd Version: (\S+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  const closers: (() => Promise<void>)[] = [];
  return {
    name: `etcd ${etcdVersion}`,
    etcdVersion,
    members: 'one',
    servers: SERVERS,
    async start(name) {
      const signing = name === 'jwt' ? ['--auth-token', await etcdSigning(closers)] : [];
      const etcd = await startEtcd({ flags: [...ETCD_FLAGS[name], ...signing] });
      closers.push(() => etcd.stop());
      return [underTest(etcd, closers, etcdVersion)];
    },
    stop: () => closeAll(closers),
  };
}

/** How etcd is told to sign tokens: its keys are in files. */
async function etcdSigning(closers: (() => Promise<void>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'etcd-key-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  await writeFile(path, SECRET);
  return `jwt,pub-key=${path},priv-key=${path},sign-method=${SIGN_METHOD},ttl=5m`;
}

/** One Conclave member in this process. */
export function memberTarget(): Target {
  const closers: (() => Promise<void>)[] = [];
  return {
    name: 'Conclave, one member',
    etcdVersion: undefined,
    members: 'one',
    servers: SERVERS,
    async start(name) {
      const options = { listen: LISTEN, ...OPTIONS[name] };
      if (IN_FOLDERS.has(name)) return startInFolders(1, options, closers);
      const member = await startMember({ memory: true }, options);
      closers.push(() => member.close());
      return [underTest(addressOf(member), closers)];
    },
    stop: () => closeAll(closers),
  };
}

/** Three Conclave members; one case after the other asks another of them. */
export function clusterTarget(): Target {
  const closers: (() => Promise<void>)[] = [];
  let cluster: Promise<ProcessCluster> | undefined;
  return {
    name: 'Conclave, three members',
    etcdVersion: undefined,
    members: 'several',
    servers: [...SERVERS, 'minority'],
    async start(name) {
      if (name === 'minority') return [await startMinority(closers)];
      if (!AS_PROCESSES.has(name)) return startInFolders(3, OPTIONS[name], closers);
      cluster ??= ProcessCluster.start();
      const { members } = await cluster;
      return members.map((member) => underTest(addressOf(member), closers));
    },
    async stop() {
      await closeAll(closers);
      await (await cluster)?.stop();
    },
  };
}

/** One of three, whose others are gone, and which has seen that. */
async function startMinority(closers: (() => Promise<void>)[]): Promise<ServerUnderTest> {
  const [left, ...gone] = await startMembers(3, {}, closers);
  await Promise.all(gone.map((member) => member.close()));
  const { member, clientUrl } = left as RunningMember;
  const deadlineMs = performance.now() + LEADERLESS_MS;
  while (member.leader !== undefined && performance.now() < deadlineMs) await delay(20);
  return underTest(addressOf({ clientUrl: clientUrl as string }), closers);
}

/** Members of one cluster, in this process, as they are asked. */
async function startInFolders(
  size: number,
  options: StartOptions,
  closers: (() => Promise<void>)[],
): Promise<readonly ServerUnderTest[]> {
  const members = await startMembers(size, options, closers);
  return members.map((member) => underTest(addressOf(member), closers));
}

async function startMembers(
  size: number,
  options: StartOptions,
  closers: (() => Promise<void>)[],
): Promise<readonly RunningMember[]> {
  for (let attempt = 1; ; attempt += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-protocol-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const started = await Promise.allSettled(await starting(size, options, folder));
    const members = started.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    for (const member of members) closers.push(() => member.close());
    if (members.length === size) return members;
    const failure = started.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    // Another process may take a port between our finding it free and our listening on it.
    const isTaken = String(failure.reason).includes('EADDRINUSE');
    if (!isTaken || attempt === START_ATTEMPTS) throw failure.reason;
    await Promise.all(members.map((member) => member.close()));
  }
}

/** Each gives up when another could not be started: it would wait for that one without end. */
async function starting(size: number, options: StartOptions, folder: string): Promise<Promise<RunningMember>[]> {
  const ports = await freePorts(2 * size);
  const names = Array.from({ length: size }, (_, at) => `m${at + 1}`);
  const peers = Object.fromEntries(names.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]));
  const failing = new AbortController();
  return names.map((name, at) => {
    const own = { name, peers, listen: `http://127.0.0.1:${ports[size + at]}`, signal: failing.signal };
    const member = startMember({ dataDir: join(folder, name) }, { ...options, ...own });
    member.catch(() => failing.abort());
    return member;
  });
}

function underTest(listening: Listening, closers: (() => Promise<void>)[], etcdVersion?: string): ServerUnderTest {
  const server = new ServerUnderTest(listening, etcdVersion);
  closers.push(async () => server.close());
  return server;
}

function addressOf({ clientUrl }: Pick<RunningMember, 'clientUrl'>): Listening {
  const { hostname, port } = new URL(clientUrl as string);
  return { host: hostname, port: Number(port) };
}

/** Clients before servers. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of [...closers].reverse()) await close();
}
