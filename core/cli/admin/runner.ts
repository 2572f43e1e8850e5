import { type Command, Option } from 'commander';
import { InvalidArgumentError } from '../../base/errors.js';
import { EXIT } from '../exit-code.js';
import { type Flag, list, text } from '../flag.js';
import { parseGoDuration } from '../go-duration.js';
import { AdminClient } from './admin-client.js';

/** What the commands meet in the world. */
export interface AdminSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** Where a command writes. */
export interface Output {
  /** A line of what was asked for. */
  readonly say: (line: string) => void;
  /** A line about what went wrong. */
  readonly complain: (line: string) => void;
}

/** What a command works with that asks members. */
export interface AdminContext extends Output {
  readonly client: AdminClient;
}

const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Options of every command that asks members. They may stand anywhere on the line, as with etcdctl. */
const ENDPOINTS = {
  ...list('<addresses>', 'members to ask, separated by commas', '127.0.0.1:2379'),
  name: 'endpoints',
  variable: 'ETCDCTL_ENDPOINTS',
} as const;
const COMMAND_TIMEOUT = {
  ...text('<time>', 'how long a command may take', '5s'),
  name: 'command-timeout',
  variable: 'ETCDCTL_COMMAND_TIMEOUT',
  parse: duration,
} as const;

/** The options that every command takes which asks members. */
export function adminOptions(): Option[] {
  return [ENDPOINTS, COMMAND_TIMEOUT].map(({ name, placeholder, describe, fallback, variable }) => {
    const facts = `(default: ${fallback}, env: ${variable})`;
    return new Option(`--${name} ${placeholder}`, `${describe} ${facts}`);
  });
}

/** Carries commands out: makes what they work with, tells their errors, and lets go of everything again. */
export class Runner {
  readonly #program: Command;
  readonly #surroundings: AdminSurroundings;
  readonly #setCode: (code: number) => void;

  /** @param setCode - told when a command fails */
  constructor(program: Command, surroundings: AdminSurroundings, setCode: (code: number) => void) {
    this.#program = program;
    this.#surroundings = surroundings;
    this.#setCode = setCode;
  }

  /**
   * Carries out a command that asks members. It may answer false to say that it failed in part.
   *
   * @throws {@link InvalidArgumentError} if an option or argument makes no sense
   */
  async asking(work: (context: AdminContext) => Promise<boolean | void>): Promise<void> {
    const options = this.#program.opts<Readonly<Record<string, string | undefined>>>();
    const { env } = this.#surroundings;
    const client = new AdminClient(settingOf(ENDPOINTS, options, env), settingOf(COMMAND_TIMEOUT, options, env));
    try {
      await this.locally((output) => work({ ...output, client }));
    } finally {
      client.close();
    }
  }

  /** Carries out a command that asks nobody. */
  async locally(work: (output: Output) => Promise<boolean | void>): Promise<void> {
    const { writeOut, writeErr } = this.#surroundings;
    const complain = (line: string) => writeErr(`${line}\n`);
    try {
      const isDone = await work({ complain, say: (line) => writeOut(`${line}\n`) });
      if (isDone === false) this.#setCode(EXIT.failed);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error;
      complain(`Error: ${(error as Error).message}`);
      this.#setCode(EXIT.failed);
    }
  }
}

/** What an option or its variable says; an empty variable counts as none. */
function settingOf<T>(
  { name, variable, fallback = '', parse }: Flag<T> & { readonly name: string; readonly variable: string },
  options: Readonly<Record<string, string | undefined>>,
  env: AdminSurroundings['env'],
): T {
  const given = options[name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  if (given !== undefined) return parse(given, `--${name}`);
  const fromVariable = env[variable];
  return fromVariable ? parse(fromVariable, variable) : parse(fallback, `--${name}`);
}

function duration(value: string, given: string): number {
  const ms = parseGoDuration(value);
  if (ms !== undefined && ms > 0 && ms <= TIMEOUT_MAX_MS) return ms;
  throw new InvalidArgumentError(given, value, 'a time above 0 such as 5s or 1m30s, of at most 24 days');
}
