/** What the user tells a command on its standard input. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Surroundings } from './surroundings.js';

/** A value larger than any member takes. */
const INPUT_BYTES_MAX = 64 * 1024 * 1024;

/** All of it. @throws if it is more than 64 MiB */
export async function readAll({ stdin }: Pick<Surroundings, 'stdin'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const more = Buffer.from(chunk as string);
    bytes += more.length;
    if (bytes > INPUT_BYTES_MAX) throw new Error(`the standard input has more than ${INPUT_BYTES_MAX} bytes`);
    chunks.push(more);
  }
  return Buffer.concat(chunks);
}

/** Lines, until there are no more, or nobody wants them. */
export interface Lines extends AsyncIterable<string> {
  /** The next one; undefined after the last. */
  readonly next: () => Promise<string | undefined>;
  readonly close: () => void;
}

/** Line by line, as they come. */
export function linesOf({ stdin }: Pick<Surroundings, 'stdin'>): Lines {
  const lines = createInterface({ input: stdin, terminal: false });
  const iterator = lines[Symbol.asyncIterator]();
  return {
    async next() {
      const result: IteratorResult<string, unknown> = await iterator.next();
      return result.done === true ? undefined : result.value;
    },
    close: () => lines.close(),
    [Symbol.asyncIterator]: () => iterator,
  };
}

/** Asks for passwords. On a terminal they do not show; otherwise each is a line of the standard input. */
export class PasswordReader {
  readonly #surroundings: Surroundings;
  #lines: Lines | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** @param prompt - shown on a terminal alone. @throws if the input ends before */
  async ask(prompt: string): Promise<string> {
    return this.#surroundings.stdin.isTTY === true ? this.#askHidden(prompt) : this.#nextLine();
  }

  close(): void {
    this.#lines?.close();
  }

  async #nextLine(): Promise<string> {
    this.#lines ??= linesOf(this.#surroundings);
    const line = await this.#lines.next();
    if (line === undefined) throw new Error('no password on the standard input');
    return line;
  }

  async #askHidden(prompt: string): Promise<string> {
    const { stdin, writeErr } = this.#surroundings;
    writeErr(prompt);
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const terminal = createInterface({ input: stdin, output: nowhere, terminal: true });
    try {
      return await new Promise<string>((resolve, reject) => {
        terminal.once('SIGINT', () => reject(new Error('no password was given')));
        terminal.once('close', () => reject(new Error('no password was given')));
        terminal.once('line', resolve);
      });
    } finally {
      terminal.close();
      writeErr('\n');
    }
  }
}
