import {
  Command,
  CommanderError,
  InvalidArgumentError as InvalidOption,
  Option,
  type OutputConfiguration,
} from 'commander';
import { EXIT } from './exit-code.js';
import { type Level, LEVELS } from './log.js';
import { serve, type ServeOptions } from './serve.js';

/** Where help and complaints go. Default: the standard streams. */
export type Write = Pick<OutputConfiguration, 'writeOut' | 'writeErr'>;

/**
 * Runs the command line.
 *
 * @param args - without the program's own name
 * @returns the process's exit code: 0 if it ended as asked, 1 if it failed, 2 if it was not understood
 */
export async function runCommandLine(args: readonly string[], write: Write = {}): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('conclave')
    .configureOutput(write)
    .description('Locks, elections, queues, discovery and configuration, on a store that speaks etcd v3.')
    .exitOverride()
    .allowExcessArguments(false)
    .showHelpAfterError('(conclave --help tells what there is)');
  const serving = serveCommand(async (options) => {
    exitCode = await serve(options);
  });
  program.addCommand(serving.copyInheritedSettings(program));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has told what was wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
  return exitCode;
}

function serveCommand(action: (options: ServeOptions) => Promise<void>): Command {
  return new Command('serve')
    .description(
      'Runs one member and serves etcd v3 clients. Options can also be given as the variables that etcd uses.',
    )
    .exitOverride()
    .addOption(new Option('--name <name>', 'what to call the member in its log').env('ETCD_NAME').default('default'))
    .addOption(
      new Option('--data-dir <folder>', 'where it keeps everything').env('ETCD_DATA_DIR').default('conclave.data'),
    )
    .addOption(new Option('--memory', 'keep everything in memory, until it ends').conflicts('dataDir'))
    .addOption(
      new Option('--listen-client-urls <urls>', 'where to serve clients, separated by commas')
        .env('ETCD_LISTEN_CLIENT_URLS')
        .default('http://127.0.0.1:2379'),
    )
    .addOption(
      new Option('--max-request-bytes <bytes>', 'the largest request that is taken')
        .env('ETCD_MAX_REQUEST_BYTES')
        .argParser(wholeNumber),
    )
    .addOption(
      new Option('--log-level <level>')
        .env('ETCD_LOG_LEVEL')
        .choices(LEVELS)
        .default('info' satisfies Level),
    )
    .action(action);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidOption('It must be a whole number.');
  return Number(text);
}
