import type { Command } from 'commander';
import {
  AuthRoleAddResponse,
  AuthRoleDeleteResponse,
  AuthRoleGrantPermissionResponse,
  AuthRoleRevokePermissionResponse,
  AuthService,
} from '../../../rpc/gen/auth.js';
import { Permission_Type as Type } from '../../../rpc/gen/authpb.js';
import type { Runner } from '../../asking/runner.js';
import { oneOf } from '../../flag.js';
import type { Words } from '../../print/printer.js';
import { doneWords } from '../header-words.js';
import { type KeyRangeFlags, keyRangeOf } from '../keys/key-range-flags.js';
import { rangeText, ROLE_WORDS, ROLES_WORDS } from './words.js';

const TYPES = { read: Type.READ, write: Type.WRITE, readwrite: Type.READWRITE } as const;

/** Roles, and what they permit. */
export function addRoleCommands(program: Command, runner: Runner): void {
  const role = program
    .command('role')
    .summary('adds, changes and lists roles')
    .description('Roles, and what they permit.');
  role
    .command('add <name>')
    .description('Adds a role, which permits nothing yet.')
    .action((name: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(ADDED);
        tell({ name, answer: await client.ask(AuthService.roleAdd, { name }) });
      }),
    );
  role
    .command('get <name>')
    .description('Tells what a role permits.')
    .action((name: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(ROLE_WORDS);
        tell({ name, answer: await client.ask(AuthService.roleGet, { role: name }) });
      }),
    );
  role
    .command('list')
    .description('Lists all roles.')
    .action(() =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(ROLES_WORDS);
        tell(await client.ask(AuthService.roleList, {}));
      }),
    );
  role
    .command('delete <name>')
    .description('Deletes a role.')
    .action((name: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(DELETED);
        tell({ name, answer: await client.ask(AuthService.roleDelete, { role: name }) });
      }),
    );
  addPermissionCommands(role, runner);
}

function addPermissionCommands(role: Command, runner: Runner): void {
  role
    .command(`grant-permission <name> <${Object.keys(TYPES).join('|')}> <key> [range-end]`)
    .description('Permits a role to read or write a key, or a range of keys.')
    .option('--prefix', 'all keys that begin with the key')
    .option('--from-key', 'the key and all after it, byte by byte')
    .action((name: string, type: string, key: string, end: string | undefined, flags: KeyRangeFlags) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(UPDATED);
        const word = oneOf(Object.keys(TYPES) as (keyof typeof TYPES)[], '', 'read').parse(type, 'permission');
        const perm = { permType: TYPES[word], ...permittedRange(key, end, flags) };
        tell({ name, answer: await client.ask(AuthService.roleGrantPermission, { name, perm }) });
      }),
    );
  role
    .command('revoke-permission <name> <key> [range-end]')
    .description('Takes a permission away from a role. It is named as it was granted.')
    .option('--prefix', 'all keys that begin with the key')
    .option('--from-key', 'the key and all after it, byte by byte')
    .action((name: string, key: string, end: string | undefined, flags: KeyRangeFlags) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(WITHDRAWN);
        const target = permittedRange(key, end, flags);
        const answer = await client.ask(AuthService.roleRevokePermission, { role: name, ...target });
        tell({ name, key: Buffer.from(key), rangeEnd: target.rangeEnd, answer });
      }),
    );
}

/** The empty key cannot be, so it stands for the first one. */
function permittedRange(
  key: string,
  end: string | undefined,
  flags: KeyRangeFlags,
): { readonly key: Buffer; readonly rangeEnd: Buffer } {
  const isFirst = key === '' && flags.prefix !== true && flags.fromKey !== true;
  return keyRangeOf(isFirst ? '\0' : key, end, flags);
}

interface Done<Answer> {
  readonly name: string;
  readonly answer: Answer;
}

const ADDED = doneWords<Done<AuthRoleAddResponse>>(
  ({ name }) => `Role ${name} created`,
  ({ answer }) => AuthRoleAddResponse.encode(answer),
);
const DELETED = doneWords<Done<AuthRoleDeleteResponse>>(
  ({ name }) => `Role ${name} deleted`,
  ({ answer }) => AuthRoleDeleteResponse.encode(answer),
);
const UPDATED = doneWords<Done<AuthRoleGrantPermissionResponse>>(
  ({ name }) => `Role ${name} updated`,
  ({ answer }) => AuthRoleGrantPermissionResponse.encode(answer),
);

type Withdrawn = Done<AuthRoleRevokePermissionResponse> & { readonly key: Buffer; readonly rangeEnd: Buffer };

const WITHDRAWN: Words<Withdrawn> = {
  ...doneWords<Withdrawn>(
    () => '',
    ({ answer }) => AuthRoleRevokePermissionResponse.encode(answer),
  ),
  simple: ({ name, key, rangeEnd }) => {
    const [what, target] = rangeEnd.length === 0 ? ['key', key] : ['range', rangeText(key, rangeEnd)];
    return [
      Buffer.concat([Buffer.from(`Permission of ${what} `), target, Buffer.from(` is revoked from role ${name}`)]),
    ];
  },
};
