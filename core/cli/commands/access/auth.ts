import type { Command } from 'commander';
import { AuthService } from '../../../rpc/gen/auth.js';
import type { Context, Runner } from '../../asking/runner.js';
import { STATUS_WORDS } from './words.js';

const NO_ROOT = 'etcdserver: root user does not have root role';

/** Whether members ask who asks. */
export function addAuthCommands(program: Command, runner: Runner): void {
  const auth = program
    .command('auth')
    .summary('turns authentication on and off')
    .description('Whether members ask who asks, and permit what roles permit.');
  auth
    .command('enable')
    .description('Turns authentication on. There must be a user root.')
    .action(() => runner.asking(enable));
  auth
    .command('disable')
    .description('Turns authentication off.')
    .action(() =>
      runner.asking(async ({ client, say }) => {
        await client.ask(AuthService.authDisable, {});
        say('Authentication Disabled');
      }),
    );
  auth
    .command('status')
    .description('Tells whether authentication is on.')
    .action(() =>
      runner.asking(async ({ client, teller }) => {
        const tell = teller(STATUS_WORDS);
        tell(await client.ask(AuthService.authStatus, {}));
      }),
    );
}

/** As etcdctl: a root without its role is given it. */
async function enable({ client, say }: Context): Promise<void> {
  try {
    await client.ask(AuthService.authEnable, {});
  } catch (error) {
    if ((error as Error).message !== NO_ROOT) throw error;
    await client.ask(AuthService.roleAdd, { name: 'root' }).catch(() => {});
    await client.ask(AuthService.userGrantRole, { user: 'root', role: 'root' });
    await client.ask(AuthService.authEnable, {});
  }
  say('Authentication Enabled');
}
