import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningMember, startMember } from '../../../server/start-member.js';
import { freePorts } from '../../cluster/free-ports.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import { findEtcd, startEtcd } from '../../etcd-process.js';
import type { ServerName } from './rule.js';
import { type Listening, ServerUnderTest } from './server-under-test.js';

const LISTEN = 'http://127.0.0.1:0';
/** Of hashing a password, in all targets: the least, which keeps the cases quick. */
const PASSWORD_COST = 4;

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

/** How etcd is started, in addition to what it always is. */
const ETCD_FLAGS: Readonly<Record<ServerName, readonly string[]>> = {
  shared: [],
  fresh: [],
  members: [],
  auth: ['--bcrypt-cost', String(PASSWORD_COST)],
  quota: ['--quota-backend-bytes', String(4 * 2 ** 20)],
};

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
    servers: ['shared', 'fresh', 'members', 'auth', 'quota'],
    async start(name) {
      const etcd = await startEtcd({ flags: ETCD_FLAGS[name] });
      closers.push(() => etcd.stop());
      return [underTest(etcd, etcdVersion, closers)];
    },
    stop: () => closeAll(closers),
  };
}

/** One Conclave member in this process. */
export function memberTarget(): Target {
  const closers: (() => Promise<void>)[] = [];
  return {
    name: 'Conclave, one member',
    etcdVersion: undefined,
    members: 'one',
    servers: ['shared', 'fresh', 'members', 'auth', 'quota'],
    async start(name) {
      const member = await (name === 'members' || name === 'quota' ? startInFolder(closers) : startInMemory());
      closers.push(() => member.close());
      return [underTest(addressOf(member.clientUrl as string), undefined, closers)];
    },
    stop: () => closeAll(closers),
  };
}

/** Three Conclave members, each a process of its own; one case after the other asks another of them. */
export function clusterTarget(): Target {
  const closers: (() => Promise<void>)[] = [];
  let cluster: Promise<ProcessCluster> | undefined;
  return {
    name: 'Conclave, three members',
    etcdVersion: undefined,
    members: 'several',
    // Both are the same three. Authentication is left out: the command line has no cheaper passwords, and hashing those of
    // all its cases would take a minute.
    servers: ['shared', 'members'],
    async start() {
      cluster ??= ProcessCluster.start();
      const { members } = await cluster;
      return members.map(({ clientUrl }) => underTest(addressOf(clientUrl), undefined, closers));
    },
    async stop() {
      await closeAll(closers);
      await (await cluster)?.stop();
    },
  };
}

function startInMemory(): Promise<RunningMember> {
  return startMember({ memory: true }, { listen: LISTEN, authPasswordCost: PASSWORD_COST });
}

/** One that others can reach, and that has a folder therefore. */
async function startInFolder(closers: (() => Promise<void>)[]): Promise<RunningMember> {
  const dataDir = await mkdtemp(join(tmpdir(), 'conclave-protocol-'));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  const [forPeers, forClients] = await freePorts(2);
  return startMember(
    { dataDir },
    { name: 'test', listen: `http://127.0.0.1:${forClients}`, peers: { test: `http://127.0.0.1:${forPeers}` } },
  );
}

function underTest(listening: Listening, version: string | undefined, closers: (() => Promise<void>)[]) {
  const server = new ServerUnderTest(listening, version);
  closers.push(async () => server.close());
  return server;
}

function addressOf(url: string): Listening {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** Clients before servers. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of [...closers].reverse()) await close();
}
