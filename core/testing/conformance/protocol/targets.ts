import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
};

/** How a Conclave member is started, in addition to what it always is. */
const OPTIONS: Readonly<Record<ServerName, StartOptions>> = {
  shared: {},
  fresh: {},
  members: {},
  auth: { authPasswordCost: PASSWORD_COST },
  jwt: { authPasswordCost: PASSWORD_COST, authToken: { signMethod: SIGN_METHOD, privateKey: SECRET } },
  quota: { quotaBackendBytes: QUOTA_BYTES },
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
    servers: SERVERS,
    async start(name) {
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

/** Members of one cluster, in this process. */
async function startInFolders(
  size: number,
  options: StartOptions,
  closers: (() => Promise<void>)[],
): Promise<readonly ServerUnderTest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-protocol-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const ports = await freePorts(2 * size);
  const names = Array.from({ length: size }, (_, at) => `m${at + 1}`);
  const peers = Object.fromEntries(names.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]));
  const starting = names.map((name, at) => {
    const listen = `http://127.0.0.1:${ports[size + at]}`;
    return startMember({ dataDir: join(folder, name) }, { ...options, name, peers, listen });
  });
  for (const member of starting) closers.push(async () => (await member).close());
  const members = await Promise.all(starting);
  return members.map((member) => underTest(addressOf(member), closers));
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
