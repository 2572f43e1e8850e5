import type { Command } from 'commander';
import type { Runner } from '../asking/runner.js';
import { SCRIPTS } from './completion-scripts.js';

/** Completion for shells. The scripts hold every command and flag there is, so that no shell has to ask. */
export function addCompletionCommands(program: Command, runner: Runner): void {
  const completion = program
    .command('completion')
    .summary('prints what completes commands in a shell')
    .description('Prints what completes commands and flags in a shell.');
  for (const [shell, script] of Object.entries(SCRIPTS)) {
    completion
      .command(shell)
      .description(`For ${shell}: ${script.usage}`)
      .action(() => runner.locally(async ({ say }) => say(script.write(describe(program)))));
  }
}

/** A command as completion knows it. */
export interface CompletedCommand {
  /** From the top, such as `lease grant`; empty for the program itself. */
  readonly path: string;
  readonly summary: string;
  readonly children: readonly { readonly name: string; readonly summary: string }[];
  readonly flags: readonly { readonly name: string; readonly summary: string; readonly takesValue: boolean }[];
}

function describe(program: Command): CompletedCommand[] {
  const found: CompletedCommand[] = [];
  const visit = (command: Command, path: readonly string[]): void => {
    found.push({
      path: path.join(' '),
      summary: command.summary() || command.description(),
      children: command.commands.map((child) => ({
        name: child.name(),
        summary: child.summary() || child.description(),
      })),
      flags: command.options
        .filter(({ long, hidden }) => long !== undefined && !hidden)
        .map((option) => ({ name: option.long as string, summary: option.description, takesValue: option.required })),
    });
    for (const child of command.commands) visit(child, [...path, child.name()]);
  };
  visit(program, []);
  return found;
}
