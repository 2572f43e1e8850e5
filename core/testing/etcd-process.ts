import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_ATTEMPTS = 3;
const START_DEADLINE_MS = 15_000;
const POLL_MS = 20;
const STOP_DEADLINE_MS = 5_000;

/** How to start it. */
export interface EtcdOptions {
  /** Further flags, such as `['--max-txn-ops', '16']`. */
  readonly flags?: readonly string[];
}

/** A real etcd with one member, its own ports on 127.0.0.1 and its own temporary folder. */
export interface EtcdProcess {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:port`, as `connect` takes it. */
  readonly url: string;
  readonly pid: number;
  /** Kills it without warning, its data kept. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data; kills it before if it still runs. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/** The path of an `etcd` binary on the PATH, or undefined: tests that need one then say that they are skipped. */
export function findEtcd(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'etcd')).find(isExecutable);
}

/**
 * Starts an etcd and waits until it serves.
 *
 * @throws if there is no binary (ask {@link findEtcd} before), or if it does not serve within 15 seconds
 */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdProcess> {
  const binary = findEtcd();
  if (binary === undefined) throw new Error('no etcd binary is on the PATH');
  for (let attempt = 1; ; attempt += 1) {
    // Another process may take a port between our finding it free and etcd's listening on it.
    const server = new Etcd(binary, await mkdtemp(join(tmpdir(), 'etcd-')), await freePorts(), options.flags ?? []);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

class Etcd implements EtcdProcess {
  readonly host = '127.0.0.1';
  readonly #killWithUs = () => this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;
  #output = '';

  constructor(
    private readonly binary: string,
    private readonly folder: string,
    private readonly ports: { readonly client: number; readonly peer: number },
    private readonly flags: readonly string[],
  ) {
    process.once('exit', this.#killWithUs);
  }

  get port(): number {
    return this.ports.client;
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const peerUrl = `http://${this.host}:${this.ports.peer}`;
    this.#output = '';
    this.#child = spawn(
      this.binary,
      [
        ...['--name', 'test', '--data-dir', join(this.folder, 'data')],
        ...['--listen-client-urls', this.url, '--advertise-client-urls', this.url],
        ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
        ...['--initial-cluster', `test=${peerUrl}`],
        ...this.flags,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.folder },
    );
    // A child that cannot be spawned at all says so only here; `#untilServing` then runs into its deadline.
    this.#child.on('error', (error) => (this.#output += String(error)));
    this.#child.stderr?.on('data', (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-4_000)));
    await this.#untilServing();
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#end('SIGTERM');
    process.removeListener('exit', this.#killWithUs);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.pid === undefined || hasExited(child)) return;
    const exited = once(child, 'exit');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    child.kill(signal);
    await exited;
    clearTimeout(force);
  }

  async #untilServing(): Promise<void> {
    const deadlineMs = performance.now() + START_DEADLINE_MS;
    while (!(await isHealthy(this.url))) {
      if (!this.#child || hasExited(this.#child)) throw new Error(`etcd ended while starting:\n${this.#output}`);
      if (performance.now() > deadlineMs) throw new Error(`etcd does not serve at ${this.url}:\n${this.#output}`);
      await delay(POLL_MS);
    }
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return ((await answer.json()) as { health?: string }).health === 'true';
  } catch {
    return false;
  }
}

async function freePorts(): Promise<{ client: number; peer: number }> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) server.close();
  return { client: ports[0] as number, peer: ports[1] as number };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
