import type { Command } from 'commander';
import { Runner } from '../asking/runner.js';
import type { Surroundings } from '../asking/surroundings.js';
import { versionText } from '../version.js';
import { addAuthCommands } from './access/auth.js';
import { addRoleCommands } from './access/roles.js';
import { addUserCommands } from './access/users.js';
import { addClusterCommands } from './cluster/commands.js';
import { addCompletionCommands } from './completion.js';
import { addElectCommand } from './coordination/elect.js';
import { addLockCommand } from './coordination/lock.js';
import { addKeyCommands } from './keys/commands.js';
import { addLeaseCommands } from './lease.js';
import { addAlarmCommands } from './upkeep/alarm.js';
import { addCheckCommands } from './upkeep/check.js';
import { addDefragCommand } from './upkeep/defrag.js';
import { addMakeMirrorCommand } from './upkeep/make-mirror.js';
import { addWatchCommand } from './watch/commands.js';

/** The last group of the help. */
export const THIS_PROGRAM = 'This program:';

/**
 * Every command but `serve`, in the groups that the help shows.
 *
 * @param args - the line, for what its `--` parts
 * @param setCode - told when a command fails
 */
export function addCommands(
  program: Command,
  surroundings: Surroundings,
  args: readonly string[],
  setCode: (code: number) => void,
): void {
  const runner = new Runner(program, surroundings, setCode);
  const dashes = args.indexOf('--');
  const afterDashes = dashes < 0 ? 0 : args.length - dashes - 1;
  addClusterCommands(program, runner);
  program.commandsGroup('Keys:');
  addKeyCommands(program, runner);
  addWatchCommand(program, runner, afterDashes);
  addLeaseCommands(program, runner);
  program.commandsGroup('Coordination:');
  addLockCommand(program, runner);
  addElectCommand(program, runner);
  program.commandsGroup('Upkeep:');
  addDefragCommand(program, runner);
  addAlarmCommands(program, runner);
  addCheckCommands(program, runner);
  addMakeMirrorCommand(program, runner);
  program.commandsGroup('Access:');
  addUserCommands(program, runner);
  addRoleCommands(program, runner);
  addAuthCommands(program, runner);
  program.commandsGroup(THIS_PROGRAM);
  addCompletionCommands(program, runner);
  program
    .command('version')
    .summary('tells the version')
    .description('Tells the version of this program, and of etcd’s protocol which it speaks.')
    .action(() => runner.locally(async ({ say }) => say(versionText())));
}
