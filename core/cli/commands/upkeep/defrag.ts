import type { Command } from 'commander';
import { MaintenanceService } from '../../../rpc/gen/maintenance.js';
import type { Context, Runner } from '../../asking/runner.js';
import { ofEach } from '../cluster/endpoints.js';

/** Giving space back. */
export function addDefragCommand(program: Command, runner: Runner): void {
  program
    .command('defrag')
    .summary('gives free space back to the disk')
    .description('Gives space that members do not use any more back to their disks, one member after the other.')
    .option('--cluster', 'every member of the cluster, not only the endpoints given')
    .action(({ cluster = false }: { cluster?: boolean }) => runner.asking((context) => defragment(context, cluster)));
}

/** @returns whether all did */
export async function defragment(context: Context, ofCluster: boolean): Promise<boolean> {
  const { client, say } = context;
  const verb = (endpoint: string) => `defragment etcd member[${endpoint}]`;
  const { isWhole } = await ofEach(context, ofCluster, verb, async (endpoint) => {
    await client.askOne(endpoint, MaintenanceService.defragment, {});
    say(`Finished defragmenting etcd member[${endpoint}]`);
  });
  return isWhole;
}
