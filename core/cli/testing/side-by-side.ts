/** etcdctl and our own command line, each with an etcd of its own that is told the same; so revisions are the same, too. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type EtcdOptions, type EtcdProcess, findEtcd, startEtcd } from '../../testing/etcd-process.js';
import { type Ran, runHere, type RunningHere, startHere } from './run-here.js';

const COMMAND_MS = 10_000;

/** Why there is nothing to compare with; undefined if there is. */
export function whyNotHere(): string | undefined {
  if (findEtcd() === undefined) return 'etcd is not on the PATH';
  try {
    execFileSync('etcdctl', ['version'], { stdio: 'ignore', env: { ...process.env, ETCDCTL_API: '3' } });
    return undefined;
  } catch {
    return 'etcdctl is not on the PATH';
  }
}

/** What both said. */
export interface Both {
  readonly theirs: Ran;
  readonly ours: Ran;
}

/** What goes on until it is ended. */
export interface BothRunning {
  /** Waits until both have written so many lines. */
  readonly untilLines: (count: number) => Promise<void>;
  /** Writes to the standard input of both. */
  readonly write: (text: string) => void;
  /** Interrupts both. */
  readonly end: () => Promise<Both>;
}

export class SideBySide {
  readonly #etcds: readonly [EtcdProcess, EtcdProcess];

  private constructor(
    theirs: EtcdProcess,
    ours: EtcdProcess,
    private readonly env: Readonly<Record<string, string>>,
  ) {
    this.#etcds = [theirs, ours];
  }

  static async start(options: EtcdOptions = {}, env: Readonly<Record<string, string>> = {}): Promise<SideBySide> {
    return new SideBySide(...(await Promise.all([startEtcd(options), startEtcd(options)])), env);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#etcds.map((etcd) => etcd.stop()));
  }

  /** The addresses, without a scheme. */
  get addresses(): readonly [theirs: string, ours: string] {
    const [theirs, ours] = this.#etcds;
    return [`127.0.0.1:${theirs.port}`, `127.0.0.1:${ours.port}`];
  }

  /** Runs a command with both. Where a word stands for something that differs, a function tells it for each. */
  async run(args: readonly string[] | ((which: 'theirs' | 'ours') => readonly string[]), stdin = ''): Promise<Both> {
    const [theirs, ours] = this.addresses;
    const argsOf = (which: 'theirs' | 'ours') => (typeof args === 'function' ? args(which) : args);
    const [one, other] = await Promise.all([
      this.#etcdctl(theirs, argsOf('theirs'), stdin),
      runHere(argsOf('ours'), { stdin, env: { ...this.env, ETCDCTL_ENDPOINTS: ours } }),
    ]);
    return { theirs: one, ours: other };
  }

  /** Starts a command with both that goes on until it is ended. */
  start(args: readonly string[]): BothRunning {
    const [theirs, ours] = this.addresses;
    const one = this.#startEtcdctl(theirs, args);
    const other = startHere(args, { env: { ...process.env, ...this.env, ETCDCTL_ENDPOINTS: ours } });
    return {
      untilLines: async (count) => {
        await Promise.all([one.untilLines(count), other.untilLines(count)]);
      },
      write: (text) => {
        one.write(text);
        other.write(text);
      },
      end: async () => {
        const [theirs, ours] = await Promise.all([one.end(), other.end()]);
        return { theirs, ours };
      },
    };
  }

  /** Starts etcdctl on the etcd that is asked by our own command line, to see how they get on with each other. */
  startTheirsOnOurs(args: readonly string[]): RunningHere {
    return this.#startEtcdctl(this.addresses[1], args);
  }

  async #etcdctl(endpoint: string, args: readonly string[], stdin: string): Promise<Ran> {
    const running = this.#startEtcdctl(endpoint, args);
    running.finishInput(stdin);
    return running.ended;
  }

  #startEtcdctl(endpoint: string, args: readonly string[]) {
    const env = { ...process.env, ...this.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint };
    const child = spawn('etcdctl', args, { env, stdio: 'pipe', timeout: COMMAND_MS });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.on('error', () => {});
    const ended = once(child, 'close').then(([code]) => ({
      code: (code as number | null) ?? -1,
      out: Buffer.concat(out).toString('latin1'),
      err,
    }));
    return {
      ended,
      write: (text: string) => void child.stdin.write(text),
      finishInput: (text: string) => Readable.from([Buffer.from(text)]).pipe(child.stdin),
      untilLines: (count: number) => until(() => linesIn(Buffer.concat(out)) >= count, `${count} lines of etcdctl`),
      end: async () => {
        child.kill('SIGINT');
        // A watch of etcdctl's does not end by an interrupt while it reads lines.
        child.stdin.destroy();
        return ended;
      },
    } satisfies RunningHere & { readonly finishInput: (text: string) => unknown };
  }
}

function linesIn(bytes: Buffer): number {
  return bytes.toString('latin1').split('\n').length - 1;
}

/** Waits for what comes from another process. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + COMMAND_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * What must differ between two etcds, made the same: ids, addresses, and how long something took.
 */
export function normal(text: string): string {
  return text
    .replaceAll(/(?:\n[\x00-\x7f])?\x08[\x80-\xff]{7,9}[\x00-\x7f]\x10[\x80-\xff]{7,9}[\x00-\x7f]/g, '<header>')
    .replaceAll(/[\x00-\x7f]\x08[\x80-\xff]{7,9}[\x00-\x7f]/g, '<id>')
    .replaceAll(/\b[0-9a-f]{13,16}\b/g, '<hex>')
    .replaceAll(/\b\d{16,20}\b/g, '<id>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '<address>')
    .replaceAll(/(took = |"took":"|"Took" : )[\d.]+(?:m|µ|Âµ)?s/g, '$1<time>')
    .replaceAll(/ {2,}<hex>/g, ' <hex>');
}
