import type { Command } from 'commander';
import type { Runner } from '../../asking/runner.js';
import { list, oneOf } from '../../flag.js';
import { parseId } from '../../print/wording.js';
import { uint63 } from '../numbers.js';
import { endpointHash, endpointHealth, endpointStatus, moveLeader } from './endpoints.js';
import { addMember, listMembers, promoteMember, removeMember, replaceMember, updateMember } from './members.js';
import { addSnapshotCommands } from './snapshot-commands.js';

/** Who belongs to the cluster, how members are, and backups. */
export function addClusterCommands(program: Command, runner: Runner): void {
  addMemberCommands(program, runner);
  addEndpointCommands(program, runner);
  addSnapshotCommands(program, runner);
}

const PEER_URLS = '--peer-urls <urls>';
const PEER_URLS_HELP = 'where it listens for the other members, separated by commas';

function addMemberCommands(program: Command, runner: Runner): void {
  const member = program
    .command('member')
    .summary('lists, adds, replaces and removes members')
    .description('Tells and changes who belongs to the cluster.');
  member
    .command('list')
    .description('Lists the members.')
    .option('--consistency <l|s>', 'l: as a majority knows them; s: as the member that is asked does', 'l')
    .action(({ consistency }: { consistency: string }) =>
      runner.asking((context) => {
        const word = oneOf(['l', 's'], '', 'l').parse(consistency, '--consistency');
        return listMembers(context, word === 'l');
      }),
    );
  member
    .command('add <name>')
    .description('Adds a member, and tells with which variables to start it.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .option('--learner', 'without a vote, until it is promoted or has caught up')
    .action((name: string, { peerUrls, learner = false }: { peerUrls: string; learner?: boolean }) =>
      runner.asking((context) => addMember(context, { name, peerUrls: peerUrlsOf(peerUrls), isLearner: learner })),
    );
  member
    .command('replace <dead-id> <name>')
    .description('Puts a new member in the place of one that is dead for good, without a smaller majority meanwhile.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .action((deadId: string, name: string, { peerUrls }: { peerUrls: string }) =>
      runner.asking((context) =>
        replaceMember(context, { deadId: parseId(deadId), name, peerUrls: peerUrlsOf(peerUrls) }),
      ),
    );
  member
    .command('update <id>')
    .description('Changes where a member listens for the others.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .action((id: string, { peerUrls }: { peerUrls: string }) =>
      runner.asking((context) => updateMember(context, parseId(id), peerUrlsOf(peerUrls))),
    );
  member
    .command('promote <id>')
    .description('Gives a learner its vote.')
    .action((id: string) => runner.asking((context) => promoteMember(context, parseId(id))));
  member
    .command('remove <id>')
    .description('Removes a member. Its id is never used again.')
    .action((id: string) => runner.asking((context) => removeMember(context, parseId(id))));
}

function addEndpointCommands(program: Command, runner: Runner): void {
  const endpoint = program
    .command('endpoint')
    .summary('tells how members are')
    .description('Tells how members are: those that --endpoints names, or all.');
  const OF_CLUSTER = 'ask every member of the cluster, not only the endpoints given';
  endpoint
    .command('status')
    .description('Tells who leads, and how far each member is.')
    .option('--cluster', OF_CLUSTER)
    .action(({ cluster = false }: { cluster?: boolean }) =>
      runner.asking((context) => endpointStatus(context, cluster)),
    );
  endpoint
    .command('health')
    .description('Tells whether each member answers a linearizable read.')
    .option('--cluster', OF_CLUSTER)
    .action(({ cluster = false }: { cluster?: boolean }) =>
      runner.asking((context) => endpointHealth(context, cluster)),
    );
  endpoint
    .command('hashkv')
    .description('Tells a hash of what each member holds, to compare them by.')
    .option('--cluster', OF_CLUSTER)
    .option('--rev <revision>', 'as of that revision')
    .action(({ cluster = false, rev }: { cluster?: boolean; rev?: string }) =>
      runner.asking((context) => endpointHash(context, cluster, rev === undefined ? 0n : uint63(rev, '--rev'))),
    );
  program
    .command('move-leader <id>')
    .summary('hands leadership to another member')
    .description('Hands leadership to another member.')
    .action((id: string) => runner.asking((context) => moveLeader(context, parseId(id))));
}

function peerUrlsOf(urls: string): readonly string[] {
  return list('', '').parse(urls, '--peer-urls');
}
