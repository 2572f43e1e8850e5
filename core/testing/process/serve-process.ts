import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = join(process.cwd(), 'dist/core/cli/main.js');
const READY = /^ready: serving etcd v3 clients at (\S+)$/;
const END_MS = 10_000;

/** How a process ended, and what it said on its standard error output. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: string;
}

/** `conclave serve` as its users start it: a process of its own. Ended, at the latest, by {@link end}. */
export class ServeProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  #log = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    this.#ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      log: this.#log,
    }));
  }

  static spawn(args: readonly string[]): ServeProcess {
    const env = { ...process.env, NODE_OPTIONS: '' };
    return new ServeProcess(
      spawn(process.execPath, [PROGRAM, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env }),
    );
  }

  /** The address that it serves; fails with its log if it ends before. */
  async ready(): Promise<string> {
    for await (const line of createInterface({ input: this.#child.stdout! })) {
      const match = READY.exec(line);
      if (match) return match[1] as string;
    }
    throw new Error(`the server ended before it served: ${(await this.#ended).log}`);
  }

  /** How it ended, once it has. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks it to end; kills it if it does not. */
  async end(): Promise<Ended> {
    this.#child.kill('SIGTERM');
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    const ended = await this.#ended;
    clearTimeout(patience);
    return ended;
  }
}
