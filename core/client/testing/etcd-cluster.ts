import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findEtcd } from '../../testing/etcd-process.js';

const HOST = '127.0.0.1';
const START_ATTEMPTS = 3;
const START_DEADLINE_MS = 10_000;
const POLL_MS = 50;

/** One member of a cluster of real etcds. */
export interface EtcdMember {
  readonly host: string;
  readonly port: number;
  /** Freezes it: its connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Kills it without warning. */
  kill(): void;
  /** Whether it leads the others. */
  isLeader(): Promise<boolean>;
}

/** A cluster of three real etcds on 127.0.0.1, on ports of their own and in one temporary folder. */
export class EtcdCluster {
  readonly members: readonly Member[];
  readonly #folder: string;

  private constructor(members: readonly Member[], folder: string) {
    this.members = members;
    this.#folder = folder;
  }

  /** @throws if there is no binary, or if they do not serve in time */
  static async start(): Promise<EtcdCluster> {
    const binary = findEtcd();
    if (binary === undefined) throw new Error('no etcd binary is on the PATH');
    for (let attempt = 1; ; attempt += 1) {
      // Another process may take a port between our finding it free and etcd's listening on it.
      const folder = await mkdtemp(join(tmpdir(), 'etcd-cluster-'));
      const ports = await freePorts(6);
      const members = [0, 1, 2].map((n) => new Member(`m${n}`, ports[2 * n] as number, ports[2 * n + 1] as number));
      const cluster = new EtcdCluster(members, folder);
      try {
        const initial = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
        for (const member of members) member.start(binary, folder, initial);
        await Promise.all(members.map((member) => member.untilServing()));
        return cluster;
      } catch (error) {
        await cluster.stop();
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  async leader(): Promise<Member> {
    for (const member of this.members) if (await member.isLeader()) return member;
    throw new Error('no member leads');
  }

  /** Ends them and removes their folder. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.end()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

class Member implements EtcdMember {
  readonly host = HOST;
  readonly #killWithUs = () => void this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;

  constructor(
    readonly name: string,
    readonly port: number,
    private readonly peerPort: number,
  ) {}

  get peerUrl(): string {
    return `http://${HOST}:${this.peerPort}`;
  }

  start(binary: string, folder: string, initialCluster: string): void {
    const url = `http://${HOST}:${this.port}`;
    this.#child = spawn(
      binary,
      [
        ...['--name', this.name, '--data-dir', join(folder, this.name), '--unsafe-no-fsync'],
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...['--listen-peer-urls', this.peerUrl, '--initial-advertise-peer-urls', this.peerUrl],
        ...['--initial-cluster', initialCluster, '--initial-cluster-token', folder],
      ],
      { stdio: 'ignore', cwd: folder },
    );
    this.#child.on('error', () => {});
    process.once('exit', this.#killWithUs);
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async isLeader(): Promise<boolean> {
    const { header, leader } = await this.#status();
    return header.member_id === leader;
  }

  async untilServing(): Promise<void> {
    const deadlineMs = performance.now() + START_DEADLINE_MS;
    while (!(await this.#isHealthy())) {
      if (performance.now() > deadlineMs || this.#child?.exitCode !== null)
        throw new Error(`${this.name} does not serve`);
      await delay(POLL_MS);
    }
  }

  async end(): Promise<void> {
    process.removeListener('exit', this.#killWithUs);
    const child = this.#child;
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async #isHealthy(): Promise<boolean> {
    try {
      const answer = await fetch(`http://${HOST}:${this.port}/health`, { signal: AbortSignal.timeout(1_000) });
      return ((await answer.json()) as { health?: string }).health === 'true';
    } catch {
      return false;
    }
  }

  async #status(): Promise<{ header: { member_id: string }; leader: string }> {
    const url = `http://${HOST}:${this.port}/v3/maintenance/status`;
    const answer = await fetch(url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(1_000) });
    return (await answer.json()) as { header: { member_id: string }; leader: string };
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, HOST);
    await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) server.close();
  return ports;
}
