/** What is watched, as a line or arguments say it. */
import { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import type { WatchCreateRequest } from '../../../rpc/gen/watch.js';
import { PLAIN_WATCH } from '../../asking/key-watch.js';
import { wordsOf } from '../../print/go-words.js';
import { keyRangeOf } from '../keys/key-range-flags.js';
import { uint63 } from '../numbers.js';

/** Flags of `watch`. */
export interface WatchFlags {
  readonly prefix?: boolean;
  readonly rev?: string;
  readonly prevKv?: boolean;
  readonly progressNotify?: boolean;
}

/** A watch, and the command that is run for each of its events. */
export interface WatchOrder {
  readonly request: WatchCreateRequest;
  readonly command: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

export function addWatchFlags(command: Command): Command {
  return command
    .option('--prefix', 'watch all keys that begin with the key')
    .option('--rev <revision>', 'from that revision on, which may be past')
    .option('--prev-kv', 'tell what was there before')
    .option('--progress-notify', 'tell now and then how far the watch is while nothing happens');
}

/**
 * The watch that arguments, flags and variables mean.
 *
 * @param words - before `--`
 * @param command - behind it
 * @throws {@link InvalidArgumentError} if they make no sense
 */
export function watchOrder(
  words: readonly string[],
  command: readonly string[],
  flags: WatchFlags,
  env: Variables,
): WatchOrder {
  const fromEnv = [env['ETCDCTL_WATCH_KEY'], env['ETCDCTL_WATCH_RANGE_END']].filter((word) => word);
  const [key, end, ...more] = words.length > 0 ? words : (fromEnv as string[]);
  if (key === undefined) throw new InvalidArgumentError('key', '', 'what to watch');
  if (more.length > 0) throw new InvalidArgumentError('arguments', more.join(' '), 'behind `--` if they are a command');
  const target = keyRangeOf(key, end, flags.prefix === true ? { prefix: true } : {});
  const request = {
    ...PLAIN_WATCH,
    ...target,
    startRevision: flags.rev === undefined ? 0n : uint63(flags.rev, '--rev'),
    prevKv: flags.prevKv ?? false,
    progressNotify: flags.progressNotify ?? false,
  };
  return { request, command };
}

/**
 * A line of the interactive mode: `watch [flags] key [range-end] [-- command]`.
 *
 * @throws if it is none
 */
export function parseWatchLine(line: string, env: Variables): WatchOrder {
  const [name, ...args] = wordsOf(line);
  if (name !== 'watch') throw new Error(`Invalid command ${name ?? ''} (only support watch and progress)`);
  const end = args.indexOf('--');
  const parser = addWatchFlags(new Command().argument('[words...]').exitOverride().helpOption(false));
  parser.configureOutput({ writeErr: () => {} }).action(() => {});
  try {
    parser.parse(end < 0 ? args : args.slice(0, end), { from: 'user' });
    return watchOrder(parser.args, end < 0 ? [] : args.slice(end + 1), parser.opts(), env);
  } catch (error) {
    throw new Error(`Invalid command ${line} (${(error as Error).message.replace(/^error: /, '')})`, { cause: error });
  }
}
