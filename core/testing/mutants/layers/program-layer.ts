import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { COMPILED } from '../project.js';
import { type Ended, runNode } from '../run-process.js';
import type { Finding, Layer, LayerName } from './layer.js';

/** A program that searches for mistakes by itself. */
export interface SearchProgram {
  /** Its source's path without the ending. */
  readonly path: string;
  readonly args: readonly string[];
  readonly secondsMax: number;
}

/** What such a program says in one line when it has found something. */
const FOUND = /^violation: (.*)$/m;
const TOOK = /(\d+) (seeds|cases|runs)/g;

/**
 * A layer that is a program. It ends with 0 if it found nothing; with 1, and a line that begins with `violation: `, if it
 * did. Its last words of the form "17 seeds" tell how much it took.
 */
export class ProgramLayer implements Layer {
  readonly name: LayerName;
  readonly #program: SearchProgram;

  constructor(name: LayerName, program: SearchProgram) {
    this.name = name;
    this.#program = program;
  }

  get missing(): string | undefined {
    const file = this.#file;
    return existsSync(file) ? undefined : `there is no program ${file}`;
  }

  async ask(environment: Readonly<Record<string, string>>): Promise<Finding> {
    const { args, secondsMax } = this.#program;
    return judge(await runNode([this.#file, ...args], environment, secondsMax));
  }

  get #file(): string {
    return join(COMPILED, `${this.#program.path}.js`);
  }
}

/** What a program's end says. One whose time is over has found nothing until then. */
export function judge(ended: Ended): Finding {
  const { code, isTimedOut, output, errors, seconds } = ended;
  const found = FOUND.exec(output)?.[1];
  const [, count, unit] = [...output.matchAll(TOOK)].at(-1) ?? [];
  const common = { seconds, ...(unit !== undefined && { took: { count: Number(count), unit } }) };
  if (found !== undefined && (code === 1 || isTimedOut)) return { verdict: 'caught', said: found, ...common };
  if (code === 0) return { verdict: 'quiet', said: 'nothing was found', ...common };
  if (isTimedOut) return { verdict: 'quiet', said: 'nothing was found before its time was over', ...common };
  return { verdict: 'broken', said: lastLines(errors || output), ...common };
}

/** The end of what a program wrote. */
export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n');
}
