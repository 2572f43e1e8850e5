import { type ChildProcess, spawn } from 'node:child_process';

/**
 * A shell that waits for a word from us; if we are gone without having given it, it kills the process, by its id. So no
 * member outlives a test runner that was itself killed. Signals from a terminal do not reach it.
 */
export const LAST_WILL = `trap '' INT TERM HUP; read word || kill -9 "$0"`;

/** Has a child killed if this process ends before it, in whatever way. */
export function killWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const executor = spawn('sh', ['-c', LAST_WILL, String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a shell nothing is lost but this precaution.
  executor.on('error', () => undefined);
  executor.stdin?.on('error', () => undefined);
  executor.unref();
  (executor.stdin as unknown as { unref(): void } | null)?.unref();
  child.once('exit', () => executor.stdin?.end('enough\n'));
}
