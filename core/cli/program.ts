import { Command, CommanderError, Option } from 'commander';
import { InvalidArgumentError } from '../base/errors.js';
import { ETCD_VERSION } from '../rpc/maintenance.js';
import { addAdminCommands } from './admin/commands.js';
import { adminOptions } from './admin/runner.js';
import { isLacking, lackingText, normalize } from './etcd-flags.js';
import { EXIT } from './exit-code.js';
import type { Flag } from './flag.js';
import { readServeFlags, SERVE_FLAGS, type ServeFlagName, type ServeFlags, variableOf } from './serve-flags.js';
import { conclaveVersion } from './version.js';

/** What the program meets in the world; a test puts something else in its place. Default: the process's own. */
export interface ProgramSurroundings {
  readonly writeOut?: (text: string) => void;
  readonly writeErr?: (text: string) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly serve?: (flags: ServeFlags) => Promise<number>;
}

/**
 * Runs the command line.
 *
 * @param args - without the program's own name
 * @returns the process's exit code: 0 if it ended as asked, 1 if it failed, 2 if it was not understood
 */
export async function runCommandLine(args: readonly string[], surroundings: ProgramSurroundings = {}): Promise<number> {
  const { env = process.env, serve = serveMember } = surroundings;
  const output = {
    writeOut: surroundings.writeOut ?? ((text: string) => void process.stdout.write(text)),
    writeErr: surroundings.writeErr ?? ((text: string) => void process.stderr.write(text)),
  };
  let exitCode: number = EXIT.ok;
  const program = new Command('conclave')
    .configureOutput(output)
    .configureHelp({ showGlobalOptions: true })
    .description('Locks, elections, queues, discovery and configuration, on a store that speaks etcd v3.')
    .exitOverride()
    .allowExcessArguments(false)
    .showHelpAfterError('(conclave --help tells what there is)')
    .version(`conclave Version: ${conclaveVersion()}\netcd API Version: ${ETCD_VERSION}`, '--version');
  for (const option of adminOptions()) program.addOption(option);
  addServeCommand(program, async (given) => {
    exitCode = await serve(readServeFlags(given, env));
  });
  addAdminCommands(program, { env, ...output }, (code) => (exitCode = code));
  try {
    await understood(program, () => program.parseAsync(toParsable(args, program), { from: 'user' }));
  } catch (error) {
    // Commander has told what was wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  return exitCode;
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

/** Those of `serve` may be written as etcd's users write them. */
function toParsable(args: readonly string[], program: Command): readonly string[] {
  if (args[0] !== 'serve') return args;
  const { args: normal, lacking } = normalize(args);
  if (lacking !== undefined && isLacking(lacking)) program.error(`error: ${lackingText(lacking)}`);
  return normal;
}

type Given = Readonly<Partial<Record<ServeFlagName, string>>>;

function addServeCommand(program: Command, action: (given: Given) => Promise<void>): void {
  const command = program
    .command('serve')
    .description(
      'Runs one member, and serves clients of etcd v3. Flags are etcd’s; each can be given as a variable too.',
    )
    .configureHelp({ showGlobalOptions: false })
    .action(async () => {
      const ofAdmin = adminOptions().find((option) => program.getOptionValueSource(option.attributeName()) === 'cli');
      if (ofAdmin) program.error(`error: ${ofAdmin.long} is for the commands that ask members, not for serve`);
      await action(givenFlags(command));
    });
  for (const [name, flag] of Object.entries(SERVE_FLAGS)) command.addOption(toOption(name, flag));
}

function toOption(name: string, { placeholder, describe, fallback }: Flag<unknown>): Option {
  const facts = [...(fallback === undefined ? [] : [`default: ${fallback}`]), `env: ${variableOf(name)}`];
  return new Option(`--${name} ${placeholder}`, `${describe} (${facts.join(', ')})`);
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
