import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import { KVService } from '../../../rpc/gen/kv.js';
import { readAll } from '../../asking/input.js';
import type { Context, Runner } from '../../asking/runner.js';
import type { Surroundings } from '../../asking/surroundings.js';
import { int64 } from '../numbers.js';
import {
  addDeleteFlags,
  addGetFlags,
  addPutFlags,
  type DeleteFlags,
  deleteRequest,
  type GetFlags,
  type PutFlags,
  putRequest,
  rangeRequest,
} from './requests.js';
import { addTxnCommand } from './txn.js';
import { COUNT_WORDS, DELETE_WORDS, GET_WORDS, PUT_WORDS, VALUE_WORDS } from './words.js';

/** Reading and changing keys. */
export function addKeyCommands(program: Command, runner: Runner): void {
  addGet(program, runner);
  addPut(program, runner);
  addDel(program, runner);
  addTxnCommand(program, runner);
  addCompaction(program, runner);
}

type AllGetFlags = GetFlags & { readonly printValueOnly?: boolean };

function addGet(program: Command, runner: Runner): void {
  const command = program
    .command('get <key> [range-end]')
    .summary('gets a key, or a range of keys')
    .description('Gets a key, or the keys from one up to, but without, another.');
  addGetFlags(command)
    .option('--print-value-only', 'without keys')
    .action((key: string, end: string | undefined, flags: AllGetFlags) =>
      runner.asking(async (context) => {
        const tell = context.teller(getWords(context, flags));
        tell(await context.client.ask(KVService.range, rangeRequest(key, end, flags)));
      }),
    );
}

function getWords({ printer }: Context, { keysOnly, countOnly, printValueOnly }: AllGetFlags): typeof GET_WORDS {
  if (keysOnly === true && countOnly === true) {
    throw new InvalidArgumentError('--keys-only', 'true', 'absent where --count-only is given');
  }
  if (countOnly === true) return COUNT_WORDS;
  if (printValueOnly !== true) return GET_WORDS;
  if (printer.form === 'simple') return VALUE_WORDS;
  throw new InvalidArgumentError('--print-value-only', 'true', 'absent unless results are told in the form simple');
}

function addPut(program: Command, runner: Runner): void {
  const command = program
    .command('put <key> [value]')
    .summary('sets a key to a value')
    .description(
      'Sets a key to a value, or to the standard input where there is no value. `--` before what begins with a dash.',
    );
  addPutFlags(command).action((key: string, value: string | undefined, flags: PutFlags) =>
    runner.asking(async ({ client, teller, surroundings }) => {
      const tell = teller(PUT_WORDS);
      // What makes no sense is refused before anything is read.
      const request = putRequest(key, Buffer.alloc(0), flags);
      const bytes = await valueOf(value, flags, surroundings);
      tell(await client.ask(KVService.put, { ...request, value: bytes }));
    }),
  );
}

async function valueOf(
  value: string | undefined,
  { ignoreValue = false }: PutFlags,
  surroundings: Surroundings,
): Promise<Buffer> {
  if (value !== undefined && ignoreValue) {
    throw new InvalidArgumentError('value', value, 'absent where --ignore-value is given');
  }
  if (ignoreValue) return Buffer.alloc(0);
  return value === undefined ? readAll(surroundings) : Buffer.from(value);
}

function addDel(program: Command, runner: Runner): void {
  const command = program
    .command('del <key> [range-end]')
    .summary('deletes a key, or a range of keys')
    .description('Deletes a key, or the keys from one up to, but without, another, and tells how many there were.');
  addDeleteFlags(command)
    .option('--range', 'says that a range is meant; newer etcdctl wants it, here it changes nothing')
    .action((key: string, end: string | undefined, flags: DeleteFlags) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(DELETE_WORDS);
        tell(await client.ask(KVService.deleteRange, deleteRequest(key, end, flags)));
      }),
    );
}

function addCompaction(program: Command, runner: Runner): void {
  program
    .command('compaction <revision>')
    .alias('compact')
    .summary('forgets the history before a revision')
    .description('Forgets the history before a revision, of all keys.')
    .option('--physical', 'wait until its space is free')
    .action((text: string, { physical = false }: { physical?: boolean }) =>
      runner.asking(async ({ client, say }) => {
        const revision = int64(text, 'revision');
        await client.ask(KVService.compact, { revision, physical });
        // In all forms alike, as with etcdctl.
        say(`compacted revision ${revision}`);
      }),
    );
}
