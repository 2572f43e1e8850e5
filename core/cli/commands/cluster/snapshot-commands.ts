import type { Command } from 'commander';
import type { Runner } from '../../asking/runner.js';
import { FALLBACKS } from '../../serve-flags.js';
import { describeSnapshot, restore, type RestoreFlags, saveFrom } from './snapshots.js';

/** Backups: from a member to a file, and from a file to the members of a new cluster. */
export function addSnapshotCommands(program: Command, runner: Runner): void {
  const snapshot = program
    .command('snapshot')
    .summary('saves and restores everything')
    .description('Saves and restores everything that the cluster holds.');
  snapshot
    .command('save <file>')
    .description('Saves a snapshot of one member. The file is there only once it is whole and checked.')
    .action((file: string) => runner.asking((context) => saveFrom(context, file)));
  snapshot
    .command('status <file>')
    .description('Checks a snapshot and tells what it holds: hash, revision, records, size.')
    .action((file: string) => runner.locally((context) => describeSnapshot(context, file)));
  snapshot
    .command('restore <file>')
    .description('Makes the data folder of one member of a new cluster. Each member restores the same file.')
    .requiredOption('--data-dir <folder>', 'where that member is to live; a new or an empty folder')
    .option('--name <name>', 'what that member is called', FALLBACKS.name)
    .option('--initial-cluster <name=url,...>', 'all members of the new cluster; by default this one alone')
    .option('--initial-cluster-token <token>', 'keeps it apart from a cluster that began with the same addresses')
    .option('--initial-advertise-peer-urls <urls>', 'where that member listens for the others')
    .option('--skip-hash-check', 'restore although the hash is wrong or missing', false)
    .action((file: string, flags: RestoreFlags) => runner.locally((output) => restore(output, file, flags)));
}
