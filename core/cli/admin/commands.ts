import { type Command, Option } from 'commander';
import { InvalidArgumentError } from '../../base/errors.js';
import { EXIT } from '../exit-code.js';
import { type Flag, list, oneOf, text } from '../flag.js';
import { parseGoDuration } from '../go-duration.js';
import { AdminClient } from './admin-client.js';
import { endpointHealth, endpointStatus, moveLeader } from './endpoint-commands.js';
import {
  addMember,
  type AdminContext,
  listMembers,
  promoteMember,
  removeMember,
  replaceMember,
  updateMember,
} from './member-commands.js';
import { addSnapshotCommands } from './snapshot-commands.js';
import { parseId } from './wording.js';

/** What the commands meet in the world. */
export interface AdminSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Options of every command that asks members. They may stand anywhere on the line, as with etcdctl. */
const ENDPOINTS = {
  ...list('<addresses>', 'members to ask, separated by commas', '127.0.0.1:2379'),
  name: 'endpoints',
  variable: 'ETCDCTL_ENDPOINTS',
} as const;
const COMMAND_TIMEOUT = {
  ...text('<time>', 'how long a command may take', '5s'),
  name: 'command-timeout',
  variable: 'ETCDCTL_COMMAND_TIMEOUT',
  parse: duration,
} as const;

/** The options that every command takes which asks members. */
export function adminOptions(): Option[] {
  return [ENDPOINTS, COMMAND_TIMEOUT].map(({ name, placeholder, describe, fallback, variable }) => {
    const facts = `(default: ${fallback}, env: ${variable})`;
    return new Option(`--${name} ${placeholder}`, `${describe} ${facts}`);
  });
}

/** What an option or its variable says; an empty variable counts as none. */
function settingOf<T>(
  { name, variable, fallback = '', parse }: Flag<T> & { readonly name: string; readonly variable: string },
  options: Readonly<Record<string, string | undefined>>,
  env: AdminSurroundings['env'],
): T {
  const given = options[name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  if (given !== undefined) return parse(given, `--${name}`);
  const fromVariable = env[variable];
  return fromVariable ? parse(fromVariable, variable) : parse(fallback, `--${name}`);
}

/** @param setCode - told when a command fails */
export function addAdminCommands(
  program: Command,
  surroundings: AdminSurroundings,
  setCode: (code: number) => void,
): void {
  /** Carries a command out; it may answer false to say that it failed in part. */
  const asking = (work: (context: AdminContext) => Promise<boolean | void>) => async (): Promise<void> => {
    const options = program.opts<Readonly<Record<string, string | undefined>>>();
    const client = new AdminClient(
      settingOf(ENDPOINTS, options, surroundings.env),
      settingOf(COMMAND_TIMEOUT, options, surroundings.env),
    );
    const complain = (line: string) => surroundings.writeErr(`${line}\n`);
    try {
      const isDone = await work({ client, complain, say: (line) => surroundings.writeOut(`${line}\n`) });
      if (isDone === false) setCode(EXIT.failed);
    } catch (error) {
      if (error instanceof InvalidArgumentError) throw error;
      complain(`Error: ${(error as Error).message}`);
      setCode(EXIT.failed);
    } finally {
      client.close();
    }
  };
  addMemberCommands(program, asking);
  addEndpointCommands(program, asking);
  addSnapshotCommands(program, asking);
}

/** Makes the action of a command. */
export type Asking = (work: (context: AdminContext) => Promise<boolean | void>) => () => Promise<void>;

const PEER_URLS = '--peer-urls <urls>';
const PEER_URLS_HELP = 'where it listens for the other members, separated by commas';

function addMemberCommands(program: Command, asking: Asking): void {
  const member = program.command('member').description('Tells and changes who belongs to the cluster.');
  member
    .command('list')
    .description('Lists the members.')
    .option('--consistency <l|s>', 'l: as a majority knows them; s: as the member that is asked does', 'l')
    .action(({ consistency }: { consistency: string }) =>
      asking((context) => {
        const word = oneOf(['l', 's'], '', 'l').parse(consistency, '--consistency');
        return listMembers(context, word === 'l');
      })(),
    );
  member
    .command('add <name>')
    .description('Adds a member, and tells with which variables to start it.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .option('--learner', 'without a vote, until it is promoted or has caught up')
    .action((name: string, { peerUrls, learner = false }: { peerUrls: string; learner?: boolean }) =>
      asking((context) => addMember(context, { name, peerUrls: peerUrlsOf(peerUrls), isLearner: learner }))(),
    );
  member
    .command('replace <dead-id> <name>')
    .description('Puts a new member in the place of one that is dead for good, without a smaller majority meanwhile.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .action((deadId: string, name: string, { peerUrls }: { peerUrls: string }) =>
      asking((context) => replaceMember(context, { deadId: parseId(deadId), name, peerUrls: peerUrlsOf(peerUrls) }))(),
    );
  member
    .command('update <id>')
    .description('Changes where a member listens for the others.')
    .requiredOption(PEER_URLS, PEER_URLS_HELP)
    .action((id: string, { peerUrls }: { peerUrls: string }) =>
      asking((context) => updateMember(context, parseId(id), peerUrlsOf(peerUrls)))(),
    );
  member
    .command('promote <id>')
    .description('Gives a learner its vote.')
    .action((id: string) => asking((context) => promoteMember(context, parseId(id)))());
  member
    .command('remove <id>')
    .description('Removes a member. Its id is never used again.')
    .action((id: string) => asking((context) => removeMember(context, parseId(id)))());
}

function addEndpointCommands(program: Command, asking: Asking): void {
  const endpoint = program.command('endpoint').description('Tells how members are.');
  const OF_CLUSTER = 'ask every member of the cluster, not only the endpoints given';
  endpoint
    .command('status')
    .description('Tells who leads, and how far each member is.')
    .option('--cluster', OF_CLUSTER)
    .action(({ cluster = false }: { cluster?: boolean }) => asking((context) => endpointStatus(context, cluster))());
  endpoint
    .command('health')
    .description('Tells whether each member answers a linearizable read.')
    .option('--cluster', OF_CLUSTER)
    .action(({ cluster = false }: { cluster?: boolean }) => asking((context) => endpointHealth(context, cluster))());
  program
    .command('move-leader <id>')
    .description('Hands leadership to another member.')
    .action((id: string) => asking((context) => moveLeader(context, parseId(id)))());
}

function peerUrlsOf(urls: string): readonly string[] {
  return list('', '').parse(urls, '--peer-urls');
}

function duration(value: string, given: string): number {
  const ms = parseGoDuration(value);
  if (ms !== undefined && ms > 0 && ms <= TIMEOUT_MAX_MS) return ms;
  throw new InvalidArgumentError(given, value, 'a time above 0 such as 5s or 1m30s, of at most 24 days');
}
