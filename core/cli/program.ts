import type { Readable } from 'node:stream';
import { Command, CommanderError, Option } from 'commander';
import { InvalidArgumentError } from '../base/errors.js';
import { capturing } from './asking/child.js';
import { globalOptions } from './asking/global-flags.js';
import { type Interrupts, PROCESS_SURROUNDINGS, type Surroundings } from './asking/surroundings.js';
import { addCommands, THIS_PROGRAM } from './commands/all.js';
import { isLacking, lackingText, normalize } from './etcd-flags.js';
import { EXIT } from './exit-code.js';
import { type Flag, SEPARATOR } from './flag.js';
import { readServeFlags, SERVE_FLAGS, type ServeFlagName, type ServeFlags, variableOf } from './serve-flags.js';
import { decided } from './switches.js';
import { versionText } from './version.js';

/** What the program meets in the world; a test puts something else in its place. Default: the process's own. */
export interface ProgramSurroundings {
  readonly writeOut?: (text: string) => void;
  /** For output that may be no text. Default: `writeOut`. */
  readonly writeBytes?: (bytes: Uint8Array) => void;
  readonly writeErr?: (text: string) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: Readable;
  readonly listenForInterrupts?: () => Interrupts;
  readonly serve?: (flags: ServeFlags) => Promise<number>;
}

/**
 * Runs the command line.
 *
 * @param args - without the program's own name
 * @returns the process's exit code: 0 if it ended as asked, 1 if it failed, 2 if it was not understood; that of the
 * command which it ran, if it ran one
 */
export async function runCommandLine(args: readonly string[], surroundings: ProgramSurroundings = {}): Promise<number> {
  const { serve = serveMember } = surroundings;
  const world = worldOf(surroundings);
  let exitCode: number = EXIT.ok;
  const program = newProgram(world);
  program.commandsGroup('Members:');
  addServeCommand(program, async (given) => {
    exitCode = await serve(readServeFlags(given, world.env));
  });
  addCommands(program, world, args, (code) => (exitCode = code));
  try {
    await understood(program, () => program.parseAsync(toParsable(args, program), { from: 'user' }));
  } catch (error) {
    // Commander has told what was wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  return exitCode;
}

function newProgram({ writeOut, writeErr }: Surroundings): Command {
  const program = new Command('conclave')
    .configureOutput({ writeOut: (text) => writeOut(Buffer.from(text)), writeErr })
    .configureHelp({ showGlobalOptions: true, subcommandTerm: termOf })
    .description('Locks, elections, queues, discovery and configuration, on a store that speaks etcd v3.')
    .exitOverride()
    .allowExcessArguments(false)
    .showHelpAfterError('(conclave --help tells what there is)')
    .version(versionText(), '--version');
  for (const option of globalOptions()) program.addOption(option);
  const help = new Command('help').argument('[command...]').description('tells how a command is used');
  return program.addHelpCommand(help.helpGroup(THIS_PROGRAM));
}

/** A command and its arguments, on one line of the help. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((one) => {
    const name = one.variadic ? `${one.name()}...` : one.name();
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

function worldOf(given: ProgramSurroundings): Surroundings {
  const { writeOut: writeText, env = process.env, stdin = process.stdin } = given;
  const ofText = writeText && ((bytes: Uint8Array) => writeText(Buffer.from(bytes).toString()));
  const writeOut = given.writeBytes ?? ofText;
  return {
    ...PROCESS_SURROUNDINGS,
    env,
    stdin,
    ...(writeOut && { writeOut, runChild: capturing(writeOut) }),
    ...(given.writeErr && { writeErr: given.writeErr }),
    ...(given.listenForInterrupts && { listenForInterrupts: given.listenForInterrupts }),
  };
}

/** The store is loaded only by those who run one: commands that ask members do without. */
async function serveMember(flags: ServeFlags): Promise<number> {
  const { serve } = await import('./serve.js');
  return serve(flags);
}

/** Carries out what was asked; an argument that makes no sense is told like a flag that does not exist. */
async function understood(program: Command, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    program.error(`error: ${error.message}`);
  }
}

/** As etcd's users write them: flags of `serve` with one dash, switches of the others with a value. */
function toParsable(args: readonly string[], program: Command): readonly string[] {
  if (args[0] !== 'serve') return decided(args, program);
  const { args: normal, lacking } = normalize(args);
  if (lacking !== undefined && isLacking(lacking)) program.error(`error: ${lackingText(lacking)}`);
  return normal;
}

type Given = Readonly<Partial<Record<ServeFlagName, string>>>;

function addServeCommand(program: Command, action: (given: Given) => Promise<void>): void {
  const command = program
    .command('serve')
    .summary('runs one member')
    .description(
      'Runs one member, and serves clients of etcd v3. Flags are etcd’s; each can be given as a variable too.',
    )
    .configureHelp({ showGlobalOptions: false })
    .action(async () => {
      const ofOthers = globalOptions().find((option) => program.getOptionValueSource(option.attributeName()) === 'cli');
      if (ofOthers) program.error(`error: ${ofOthers.long} is for the commands that ask members, not for serve`);
      await action(givenFlags(command));
    });
  for (const [name, flag] of Object.entries(SERVE_FLAGS)) command.addOption(toOption(name, flag));
}

function toOption(name: string, { placeholder, describe, fallback, isRepeatable }: Flag<unknown>): Option {
  const facts = [...(fallback === undefined ? [] : [`default: ${fallback}`]), `env: ${variableOf(name)}`];
  const option = new Option(`--${name} ${placeholder}`, `${describe} (${facts.join(', ')})`);
  if (!isRepeatable) return option;
  return option.argParser((text, before?: string) => (before === undefined ? text : `${before}${SEPARATOR}${text}`));
}

/** The texts of the flags on the command line; one that stands alone means true. */
function givenFlags(command: Command): Given {
  const given: Partial<Record<ServeFlagName, string>> = {};
  for (const option of command.options) {
    const value = command.getOptionValue(option.attributeName()) as string | true | undefined;
    if (value !== undefined) given[option.name() as ServeFlagName] = value === true ? 'true' : value;
  }
  return given;
}
