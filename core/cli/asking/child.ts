import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a command that we ran for the user ended. */
export interface ChildEnd {
  /** What a shell would see: 128 and the signal's number more where a signal ended it. */
  readonly code: number;
  /** As Go's `os/exec` says it, if it did not end well. */
  readonly problem?: string;
}

/** A command that runs. */
export interface Child {
  readonly ended: Promise<ChildEnd>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** Starts a command, with the terminal as its own. */
export type RunChild = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) => Child;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** As a child process that shares our input and outputs. */
export const runChild: RunChild = (command, args, env) =>
  toChild(command, spawn(command, args, { env, stdio: 'inherit' }));

/** One whose output is handed to `write`. */
export function capturing(write: (bytes: Uint8Array) => void): RunChild {
  return (command, args, env) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', write);
    return toChild(command, child);
  };
}

function toChild(command: string, child: ChildProcess): Child {
  return { ended: endOf(command, child), kill: (signal) => void child.kill(signal) };
}

async function endOf(command: string, child: ChildProcess): Promise<ChildEnd> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return { code };
    if (code !== null) return { code, problem: `exit status ${code}` };
    return { code: 128 + (SIGNAL_NUMBERS[String(signal)] ?? 0), problem: `signal: ${String(signal)}` };
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = isMissing ? 'executable file not found in $PATH' : (error as Error).message;
    return { code: 127, problem: `exec: ${JSON.stringify(command)}: ${why}` };
  }
}
