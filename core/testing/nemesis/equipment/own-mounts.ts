import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const MARK = 'CONCLAVE_OWN_MOUNTS';

/**
 * Runs this program again, with mounts of its own, so that whatever it mounts is gone when it is, however it ends.
 *
 * @returns its exit code; undefined if this is it already, or if it cannot be had here
 */
export async function runWithOwnMounts(): Promise<number | undefined> {
  if (process.env[MARK] !== undefined || !canHaveOwnMounts()) return undefined;
  const args = ['-m', '--propagation', 'private', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, [MARK]: 'yes' } });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

/** Whether what this program mounts will be gone when it is. */
export function hasOwnMounts(): boolean {
  return process.env[MARK] !== undefined;
}

function canHaveOwnMounts(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['-m', '--propagation', 'private', 'true']).status === 0;
}
