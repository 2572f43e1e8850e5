import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import {
  AuthService,
  AuthUserAddResponse,
  AuthUserChangePasswordResponse,
  AuthUserDeleteResponse,
  AuthUserGrantRoleResponse,
  AuthUserRevokeRoleResponse,
} from '../../../rpc/gen/auth.js';
import { PasswordReader } from '../../asking/input.js';
import type { Context, Runner } from '../../asking/runner.js';
import type { Surroundings } from '../../asking/surroundings.js';
import { doneWords } from '../header-words.js';
import { ROLE_WORDS, USER_WORDS, USERS_WORDS } from './words.js';

/** Users, and the roles that they have. */
export function addUserCommands(program: Command, runner: Runner): void {
  const user = program
    .command('user')
    .summary('adds, changes and lists users')
    .description('Users, and the roles that they have.');
  addUserAdd(user, runner);
  user
    .command('get <name>')
    .description('Tells which roles a user has.')
    .option('--detail', 'and what they permit')
    .action((name: string, { detail = false }: { detail?: boolean }) =>
      runner.asking((context) => (detail ? tellDetails(context, name) : tellUser(context, name))),
    );
  user
    .command('list')
    .description('Lists all users.')
    .action(() =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(USERS_WORDS);
        tell(await client.ask(AuthService.userList, {}));
      }),
    );
  addPasswd(user, runner);
  user
    .command('delete <name>')
    .description('Deletes a user.')
    .action((name: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(DELETED);
        tell({ name, answer: await client.ask(AuthService.userDelete, { name }) });
      }),
    );
  user
    .command('grant-role <name> <role>')
    .description('Gives a user a role.')
    .action((name: string, role: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(GRANTED);
        tell({ name, role, answer: await client.ask(AuthService.userGrantRole, { user: name, role }) });
      }),
    );
  user
    .command('revoke-role <name> <role>')
    .description('Takes a role away from a user.')
    .action((name: string, role: string) =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(REVOKED);
        tell({ name, role, answer: await client.ask(AuthService.userRevokeRole, { name, role }) });
      }),
    );
}

interface AddFlags {
  readonly interactive?: boolean;
  readonly newUserPassword?: string;
  readonly password: boolean;
}

function addUserAdd(user: Command, runner: Runner): void {
  user
    .command('add <name[:password]>')
    .description('Adds a user. Without a password it is asked for.')
    .option('--new-user-password <password>', 'the password')
    .option('--no-password', 'without one: known by a certificate alone')
    .option('--interactive', 'ask for the password twice')
    .option('--no-interactive', 'the password is a line of the standard input')
    .action((text: string, flags: AddFlags) =>
      runner.asking(async ({ client, teller, surroundings }) => {
        const tell = teller(ADDED);
        const { name, password } = await newUser(text, flags, surroundings);
        const options = { noPassword: password === undefined };
        const request = { name, password: password ?? '', options, hashedPassword: '' };
        tell({ name, answer: await client.ask(AuthService.userAdd, request) });
      }),
    );
}

async function newUser(
  text: string,
  flags: AddFlags,
  surroundings: Surroundings,
): Promise<{ readonly name: string; readonly password: string | undefined }> {
  if (!flags.password) return { name: named(text), password: undefined };
  if (flags.newUserPassword !== undefined) return { name: named(text), password: flags.newUserPassword };
  const colon = text.indexOf(':');
  if (colon >= 0) return { name: named(text.slice(0, colon)), password: text.slice(colon + 1) };
  return { name: named(text), password: await newPassword(text, flags.interactive ?? true, surroundings) };
}

function named(name: string): string {
  if (name === '') throw new InvalidArgumentError('name', name, 'the name of a user');
  return name;
}

/** @throws if what is typed the second time differs */
async function newPassword(name: string, isTwice: boolean, surroundings: Surroundings): Promise<string> {
  const reader = new PasswordReader(surroundings);
  try {
    const password = await reader.ask(`Password of ${name}: `);
    if (!isTwice) return password;
    const again = await reader.ask(`Type password of ${name} again for confirmation: `);
    if (again !== password) throw new Error('given passwords are different');
    return password;
  } finally {
    reader.close();
  }
}

function addPasswd(user: Command, runner: Runner): void {
  user
    .command('passwd <name>')
    .description('Changes a user’s password.')
    .option('--interactive', 'ask for the password twice')
    .option('--no-interactive', 'the password is a line of the standard input')
    .action((name: string, { interactive = true }: { interactive?: boolean }) =>
      runner.asking(async ({ client, teller, surroundings }) => {
        const tell = teller(CHANGED);
        const password = await newPassword(name, interactive, surroundings);
        tell({ answer: await client.ask(AuthService.userChangePassword, { name, password, hashedPassword: '' }) });
      }),
    );
}

async function tellUser({ client, teller }: Context, name: string): Promise<void> {
  const tell = teller(USER_WORDS);
  tell({ name, answer: await client.ask(AuthService.userGet, { name }) });
}

async function tellDetails({ client, teller, say }: Context, name: string): Promise<void> {
  const tell = teller(ROLE_WORDS);
  const { roles } = await client.ask(AuthService.userGet, { name });
  say(`User: ${name}`);
  for (const role of roles) {
    say('');
    tell({ name: role, answer: await client.ask(AuthService.roleGet, { role }) });
  }
}

interface Done<Answer> {
  readonly name: string;
  readonly answer: Answer;
}

type RoleDone<Answer> = Done<Answer> & { readonly role: string };

const ADDED = doneWords<Done<AuthUserAddResponse>>(
  ({ name }) => `User ${name} created`,
  ({ answer }) => AuthUserAddResponse.encode(answer),
);
const DELETED = doneWords<Done<AuthUserDeleteResponse>>(
  ({ name }) => `User ${name} deleted`,
  ({ answer }) => AuthUserDeleteResponse.encode(answer),
);
const CHANGED = doneWords<{ readonly answer: AuthUserChangePasswordResponse }>(
  () => 'Password updated',
  ({ answer }) => AuthUserChangePasswordResponse.encode(answer),
);
const GRANTED = doneWords<RoleDone<AuthUserGrantRoleResponse>>(
  ({ name, role }) => `Role ${role} is granted to user ${name}`,
  ({ answer }) => AuthUserGrantRoleResponse.encode(answer),
);
const REVOKED = doneWords<RoleDone<AuthUserRevokeRoleResponse>>(
  ({ name, role }) => `Role ${role} is revoked from user ${name}`,
  ({ answer }) => AuthUserRevokeRoleResponse.encode(answer),
);
