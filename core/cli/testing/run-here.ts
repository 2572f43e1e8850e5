import { PassThrough, Readable } from 'node:stream';
import type { Interrupts } from '../asking/surroundings.js';
import { runCommandLine } from '../program.js';

/** How a command went. Output is Latin-1: one character a byte. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command that goes on. */
export interface RunningHere {
  readonly ended: Promise<Ran>;
  readonly untilLines: (count: number) => Promise<void>;
  readonly write: (text: string) => void;
  /** Interrupts it. */
  readonly end: () => Promise<Ran>;
}

interface Given {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
}

/** Runs our command line within this process, to its end. */
export async function runHere(args: readonly string[], { env = {}, stdin = '' }: Given = {}): Promise<Ran> {
  const world = new World();
  const code = await runCommandLine(args, { ...world.surroundings, env, stdin: Readable.from([Buffer.from(stdin)]) });
  return { code, ...world.said() };
}

/** Starts our command line within this process. */
export function startHere(args: readonly string[], { env = {} }: Given = {}): RunningHere {
  const world = new World();
  const stdin = new PassThrough();
  const ended = runCommandLine(args, { ...world.surroundings, env, stdin }).then((code) => ({ code, ...world.said() }));
  return {
    ended,
    untilLines: (count) => world.untilLines(count),
    write: (text) => void stdin.write(text),
    end: async () => {
      world.interrupt();
      return ended;
    },
  };
}

/** What a command says, and the user's wish to end it. */
class World {
  readonly #out: Uint8Array[] = [];
  readonly #interrupt = new AbortController();
  readonly #each: ((name: NodeJS.Signals) => void)[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #err = '';

  readonly surroundings = {
    writeBytes: (bytes: Uint8Array) => this.#write(bytes),
    writeErr: (text: string) => void (this.#err += text),
    listenForInterrupts: (): Interrupts => ({
      signal: this.#interrupt.signal,
      onEach: (callback) => void this.#each.push(callback),
      stop: () => {},
    }),
  };

  said(): { readonly out: string; readonly err: string } {
    return { out: Buffer.concat(this.#out).toString('latin1'), err: this.#err };
  }

  interrupt(): void {
    this.#interrupt.abort();
    for (const callback of this.#each) callback('SIGINT');
  }

  untilLines(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#tell();
    });
  }

  #write(bytes: Uint8Array): void {
    this.#out.push(bytes);
    this.#tell();
  }

  #tell(): void {
    const lines = this.said().out.split('\n').length - 1;
    for (const { count, resolve } of this.#waiting) if (lines >= count) resolve();
  }
}
