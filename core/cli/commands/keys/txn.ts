import type { Command } from 'commander';
import { KVService, type TxnRequest } from '../../../rpc/gen/kv.js';
import { type Lines, linesOf } from '../../asking/input.js';
import type { Runner } from '../../asking/runner.js';
import { parseCompare, parseOperation } from './txn-language.js';
import { TXN_WORDS } from './words.js';

/** More than any member takes; so an endless input ends. */
const LINES_MAX = 10_000;

const PROMPTS = ['compares:', 'success requests (get, put, del):', 'failure requests (get, put, del):'] as const;

const HELP = `
A transaction is three blocks of lines, each ended by an empty line: what must hold, what is done if all of it holds, and
what is done otherwise.

  value("door") = "closed"          also version, create, mod and lease; also !=, < and >

  put door open                     with the flags of put, get and del
  get door --prefix

  get door
`;

/** Several operations at once, if conditions hold. */
export function addTxnCommand(program: Command, runner: Runner): void {
  program
    .command('txn')
    .summary('does several things at once, if conditions hold')
    .description('Does several things at once, if conditions hold. It is read from the standard input.')
    .option('-i, --interactive', 'say what comes next')
    .addHelpText('after', HELP)
    .action(({ interactive = false }: { interactive?: boolean }) =>
      runner.asking(async ({ client, teller, say, surroundings }) => {
        const tell = teller(TXN_WORDS);
        const lines = linesOf(surroundings);
        const request = await readTxn(lines, interactive ? say : () => {}).finally(() => lines.close());
        tell(await client.ask(KVService.txn, request));
      }),
    );
}

/** @throws if a line is no compare or operation, or the input ends before the third block does */
async function readTxn(lines: Lines, prompt: (text: string) => void): Promise<TxnRequest> {
  const compare = await readBlock(lines, PROMPTS[0], prompt, parseCompare);
  const success = await readBlock(lines, PROMPTS[1], prompt, parseOperation);
  const failure = await readBlock(lines, PROMPTS[2], prompt, parseOperation);
  return { compare, success, failure };
}

async function readBlock<Item>(
  lines: Lines,
  title: string,
  prompt: (text: string) => void,
  parse: (line: string) => Item,
): Promise<Item[]> {
  prompt(title);
  const items: Item[] = [];
  while (items.length < LINES_MAX) {
    const line = await lines.next();
    if (line === undefined) {
      throw new Error(`the input ends within a transaction, at: ${title} (each block ends with an empty line)`);
    }
    if (line.trim() === '') return items;
    items.push(parse(line));
  }
  throw new Error(`a transaction has at most ${LINES_MAX} lines in a block`);
}
