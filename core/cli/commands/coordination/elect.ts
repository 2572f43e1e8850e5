import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import type { RangeResponse } from '../../../rpc/gen/kv.js';
import type { Context, Runner } from '../../asking/runner.js';
import { GET_WORDS } from '../keys/words.js';
import { untilInterrupted, whileHeld } from './hold.js';
import { holders } from './place-in-line.js';

/** As long as etcdctl's. */
const TTL_SECONDS = 60n;

/** Standing for election, and seeing who leads. */
export function addElectCommand(program: Command, runner: Runner): void {
  program
    .command('elect <name> [proposal]')
    .summary('leads, or tells who does')
    .description('Stands for election with a proposal, and leads until it is interrupted; or tells who leads.')
    .option('-l, --listen', 'tell who leads, and who does next')
    .action((name: string, proposal: string | undefined, { listen = false }: { listen?: boolean }) =>
      runner.asking(async (context) => {
        if (listen && proposal !== undefined)
          throw new InvalidArgumentError('proposal', proposal, 'absent with --listen');
        if (!listen && proposal === undefined)
          throw new InvalidArgumentError('proposal', '', 'given, or --listen instead');
        const tell = context.teller(GET_WORDS);
        return proposal === undefined ? observe(context, name, tell) : campaign(context, name, proposal, tell);
      }),
    );
}

function campaign(context: Context, name: string, value: string, tell: (answer: RangeResponse) => void): Promise<void> {
  return whileHeld(context, { name, value, ttlSeconds: TTL_SECONDS }, (hold) => {
    tell(hold.granted);
    return untilInterrupted(hold);
  });
}

async function observe(
  { client, surroundings }: Context,
  name: string,
  tell: (answer: RangeResponse) => void,
): Promise<void> {
  const { signal, stop } = surroundings.listenForInterrupts();
  try {
    for await (const answer of holders(client, name, signal)) tell(answer);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
  }
}
