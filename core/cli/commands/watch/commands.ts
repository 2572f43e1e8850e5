import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import type { Event } from '../../../rpc/gen/mvcc.js';
import type { WatchResponse } from '../../../rpc/gen/watch.js';
import { linesOf } from '../../asking/input.js';
import { KeyWatch } from '../../asking/key-watch.js';
import type { Context, Runner } from '../../asking/runner.js';
import { goQuote } from '../../print/go-quote.js';
import { addWatchFlags, parseWatchLine, type WatchFlags, watchOrder, type WatchOrder } from './watch-line.js';
import { typeOf, WATCH_WORDS } from './words.js';

/** Watches that one line after the other may begin. */
const WATCHES_MAX = 1_000;

type AllFlags = WatchFlags & { readonly interactive?: boolean };

/**
 * Watching keys.
 *
 * @param afterDashes - how many arguments stand behind `--`
 */
export function addWatchCommand(program: Command, runner: Runner, afterDashes: number): void {
  const command = program
    .command('watch [key] [range-end] [command...]')
    .usage('[options] [key] [range-end] [-- command...]')
    .summary('tells what happens to keys, as it happens')
    .description(
      'Tells what happens to a key or a range of keys, as it happens, and runs a command for each event, if one is given. ' +
        'The command finds the event in ETCD_WATCH_REVISION, _EVENT_TYPE, _KEY and _VALUE.',
    );
  addWatchFlags(command)
    .option('-i, --interactive', 'read further watches, and `progress`, from the standard input')
    .action((_key: unknown, _end: unknown, _words: unknown, flags: AllFlags) =>
      runner.asking(async (context) => {
        const words = command.args.slice(0, command.args.length - afterDashes);
        const ofCommand = command.args.slice(words.length);
        const { env } = context.surroundings;
        if (flags.interactive === true) return watchLines(context, words);
        return watchOne(context, watchOrder(words, ofCommand, flags, env));
      }),
    );
}

async function watchOne(context: Context, order: WatchOrder): Promise<boolean> {
  const interrupts = context.surroundings.listenForInterrupts();
  try {
    return await follow(context, order, new KeyWatch(context.client, order.request, interrupts.signal));
  } finally {
    interrupts.stop();
  }
}

/** Reads lines until there are no more, and follows the watches they begin meanwhile. */
async function watchLines(context: Context, words: readonly string[]): Promise<boolean> {
  if (words.length > 0) throw new InvalidArgumentError('arguments', words.join(' '), 'absent where lines are read');
  context.teller(WATCH_WORDS);
  const lines = linesOf(context.surroundings);
  const ending = new AbortController();
  const watches: KeyWatch[] = [];
  const interrupts = context.surroundings.listenForInterrupts();
  interrupts.onEach(() => lines.close());
  const failures: Promise<boolean>[] = [];
  const begin = (order: WatchOrder): void => {
    const watch = new KeyWatch(context.client, order.request, ending.signal);
    watches.push(watch);
    failures.push(
      follow(context, order, watch).catch((error: Error) => (context.complain(`Error: ${error.message}`), false)),
    );
  };
  try {
    for await (const line of lines) takeLine(line, context, watches, begin);
  } finally {
    ending.abort();
    interrupts.stop();
  }
  return (await Promise.all(failures)).every((isWell) => isWell);
}

function takeLine(
  line: string,
  { complain, surroundings }: Context,
  watches: readonly KeyWatch[],
  begin: (order: WatchOrder) => void,
): void {
  if (line.trim() === '') return;
  if (line.trim() === 'progress') return watches.forEach((watch) => watch.requestProgress());
  if (watches.length === WATCHES_MAX) return complain(`Invalid command ${line} (there are ${WATCHES_MAX} watches)`);
  try {
    begin(parseWatchLine(line, surroundings.env));
  } catch (error) {
    complain((error as Error).message);
  }
}

/** Tells all of a watch. @returns whether it ended because it was to */
async function follow(context: Context, { command }: WatchOrder, watch: KeyWatch): Promise<boolean> {
  const { complain, say } = context;
  const tell = context.teller(WATCH_WORDS);
  for await (const response of watch.responses()) {
    if (response.canceled) complain(`watch was canceled (${reasonOf(response)})`);
    else if (response.events.length === 0) say(`progress notify: ${response.header?.revision ?? 0}`);
    tell(response);
    if (response.canceled) throw new Error('watch is canceled by the server');
    for (const event of response.events) {
      if (!(await runFor(event, response, command, context))) return false;
    }
  }
  return true;
}

function reasonOf({ cancelReason, compactRevision }: WatchResponse): string {
  return compactRevision > 0 ? 'etcdserver: mvcc: required revision has been compacted' : cancelReason;
}

/** Runs the command for one event. @returns whether it went well */
async function runFor(
  event: Event,
  { header }: WatchResponse,
  [command, ...args]: readonly string[],
  { surroundings, complain }: Context,
): Promise<boolean> {
  if (command === undefined) return true;
  const { problem } = await surroundings.runChild(command, args, {
    ...surroundings.env,
    ETCD_WATCH_REVISION: String(header?.revision ?? 0),
    ETCD_WATCH_EVENT_TYPE: goQuote(typeOf(event)),
    ETCD_WATCH_KEY: goQuote(event.kv?.key ?? ''),
    ETCD_WATCH_VALUE: goQuote(event.kv?.value ?? ''),
  }).ended;
  if (problem === undefined) return true;
  complain(`command [${[command, ...args].map((word) => goQuote(word)).join(' ')}] error (${problem})`);
  return false;
}
