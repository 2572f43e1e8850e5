import type { Command } from 'commander';
import { InvalidArgumentError } from '../../base/errors.js';
import { EXIT } from '../exit-code.js';
import { type Printer, printerOf, type Words } from '../print/printer.js';
import { type GlobalSettings, readGlobalSettings } from './global-flags.js';
import { PasswordReader } from './input.js';
import { MemberClient } from './member-client.js';
import type { Credentials } from './session-token.js';
import type { Surroundings } from './surroundings.js';

/** What a command works with that asks nobody. */
export interface LocalContext {
  readonly surroundings: Surroundings;
  readonly settings: GlobalSettings;
  readonly printer: Printer;
  /** A line of what was asked for. */
  readonly say: (line: string) => void;
  /** A line about what went wrong. */
  readonly complain: (line: string) => void;
  /**
   * What tells results of a kind, in the form that the user wants. Asked for before anything is done.
   *
   * @throws {@link UnsupportedFormError}
   */
  readonly teller: <Result>(words: Words<Result>) => (result: Result) => void;
}

/** What a command works with that asks members. */
export interface Context extends LocalContext {
  readonly client: MemberClient;
}

/** A command's own way to end: nothing or true well, false badly, a number as it says. */
export type Ending = boolean | number | void;

/** Carries commands out: makes what they work with, tells their errors, and lets go of everything again. */
export class Runner {
  readonly #program: Command;
  readonly #setCode: (code: number) => void;

  /** @param setCode - told when a command fails */
  constructor(
    program: Command,
    readonly surroundings: Surroundings,
    setCode: (code: number) => void,
  ) {
    this.#program = program;
    this.#setCode = setCode;
  }

  /**
   * Carries out a command that asks members.
   *
   * @throws {@link InvalidArgumentError} if an option or argument makes no sense
   */
  async asking(work: (context: Context) => Promise<Ending>): Promise<void> {
    await this.locally(async (context) => {
      const client = new MemberClient(await clientSettings(context));
      try {
        return await work({ ...context, client });
      } finally {
        client.close();
      }
    });
  }

  /** Carries out a command that asks nobody. */
  async locally(work: (context: LocalContext) => Promise<Ending>): Promise<void> {
    const { env, writeOut, writeErr } = this.surroundings;
    const settings = readGlobalSettings((name) => this.#given(name), env);
    const printer = printerOf(settings['write-out'], { isHex: settings.hex });
    const complain = (line: string) => writeErr(`${line}\n`);
    const teller = <Result>(words: Words<Result>) => {
      const tell = printer.teller(words);
      return (result: Result) => writeOut(tell(result));
    };
    const say = (line: string) => writeOut(Buffer.from(`${line}\n`));
    try {
      const ending = await work({ surroundings: this.surroundings, settings, printer, say, complain, teller });
      if (typeof ending === 'number') this.#setCode(ending);
      else if (ending === false) this.#setCode(EXIT.failed);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error;
      complain(`Error: ${(error as Error).message}`);
      this.#setCode(EXIT.failed);
    }
  }

  /** As commander has it: `--dial-timeout` is `dialTimeout`. */
  #given(name: string): string | boolean | undefined {
    const attribute = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return this.#program.getOptionValue(attribute) as string | boolean | undefined;
  }
}

/** How the flags say that members are to be asked. */
async function clientSettings({ settings, surroundings }: LocalContext): Promise<MemberClient['settings']> {
  return {
    endpoints: settings.endpoints,
    timeoutMs: settings['command-timeout'],
    dialMs: settings['dial-timeout'],
    keepAliveMs: settings['keepalive-time'],
    keepAliveTimeoutMs: settings['keepalive-timeout'],
    tls: {
      cacert: settings.cacert,
      cert: settings.cert,
      key: settings.key,
      isPlain: settings['insecure-transport'],
      isUnverified: settings['insecure-skip-tls-verify'],
    },
    user: await credentialsOf(settings, surroundings),
  };
}

/** `name:password`, or a name whose password is in another flag, or asked for. */
async function credentialsOf(
  { user, password }: GlobalSettings,
  surroundings: Surroundings,
): Promise<Credentials | undefined> {
  if (user === undefined) {
    if (password !== undefined) throw new InvalidArgumentError('--password', '(given)', 'given along with --user');
    return undefined;
  }
  if (password !== undefined) return { name: user, password };
  const colon = user.indexOf(':');
  if (colon >= 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
  const reader = new PasswordReader(surroundings);
  try {
    return { name: user, password: await reader.ask('Password: ') };
  } finally {
    reader.close();
  }
}
