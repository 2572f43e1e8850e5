/** Programs that the documentation uses and that may not be there. */
import { execFileSync } from 'node:child_process';

/** Whether a program is on the PATH. @param args - with which it ends well at once */
export function isOnPath(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore', env: { ...process.env, ETCDCTL_API: '3' } });
    return true;
  } catch {
    return false;
  }
}
