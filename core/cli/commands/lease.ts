import type { Command } from 'commander';
import { LeaseService } from '../../rpc/gen/lease.js';
import { patiently, pause } from '../asking/patience.js';
import type { Context, Runner } from '../asking/runner.js';
import { leaseHex, parseLeaseId } from '../print/wording.js';
import { GRANT_WORDS, KEEP_ALIVE_WORDS, LEASES_WORDS, REVOKE_WORDS, timeToLiveWords } from './lease-words.js';
import { int64 } from './numbers.js';

/** A lease is renewed when a third of its time has passed, so that it survives two answers that do not come. */
const RENEWALS_PER_TTL = 3;

/** Granting, keeping and ending leases. */
export function addLeaseCommands(program: Command, runner: Runner): void {
  const lease = program
    .command('lease')
    .summary('grants, keeps and ends leases')
    .description('Leases: keys that are bound to one are deleted when it ends.');
  lease
    .command('grant <ttl>')
    .description('Grants a lease that ends after so many seconds unless it is kept alive.')
    .action((text: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(GRANT_WORDS);
        tell(await client.ask(LeaseService.leaseGrant, { TTL: int64(text, 'ttl'), ID: 0n }));
      }),
    );
  lease
    .command('revoke <id>')
    .description('Ends a lease, and deletes its keys.')
    .action((text: string) =>
      runner.asking(async ({ client, teller }) => {
        const [tell, id] = [teller(REVOKE_WORDS), parseLeaseId(text)];
        tell({ id, answer: await client.ask(LeaseService.leaseRevoke, { ID: id }) });
      }),
    );
  lease
    .command('timetolive <id>')
    .description('Tells what is left of a lease.')
    .option('--keys', 'and which keys are bound to it')
    .action((text: string, { keys = false }: { keys?: boolean }) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(timeToLiveWords(keys));
        tell(await client.ask(LeaseService.leaseTimeToLive, { ID: parseLeaseId(text), keys }));
      }),
    );
  lease
    .command('list')
    .description('Lists all leases.')
    .action(() =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(LEASES_WORDS);
        tell(await client.ask(LeaseService.leaseLeases, {}));
      }),
    );
  lease
    .command('keep-alive <id>')
    .description('Keeps a lease alive until it is interrupted, or the lease has ended.')
    .option('--once', 'renew it once')
    .action((text: string, { once = false }: { once?: boolean }) =>
      runner.asking((context) =>
        once ? renewOnce(context, parseLeaseId(text)) : keepAlive(context, parseLeaseId(text)),
      ),
    );
}

async function renewOnce({ client, teller }: Context, id: bigint): Promise<void> {
  const tell = teller(KEEP_ALIVE_WORDS);
  const answer = await client.exchange(LeaseService.leaseKeepAlive, { ID: id });
  if (answer.TTL <= 0n) throw new Error('etcdserver: requested lease not found');
  tell(answer);
}

async function keepAlive({ client, printer, teller, say, complain, surroundings }: Context, id: bigint): Promise<void> {
  const tell = teller(KEEP_ALIVE_WORDS);
  const { signal, stop } = surroundings.listenForInterrupts();
  try {
    for (;;) {
      const answer = await patiently(signal, () => client.exchange(LeaseService.leaseKeepAlive, { ID: id }));
      if (answer.TTL <= 0n)
        return (printer.form === 'simple' ? say : complain)(`lease ${leaseHex(id)} expired or revoked.`);
      tell(answer);
      await pause((Number(answer.TTL) * 1_000) / RENEWALS_PER_TTL, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
  }
}
