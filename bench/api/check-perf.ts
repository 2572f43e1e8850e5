import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProcessCluster } from '../../core/testing/cluster/process-cluster.js';
import type { Ground } from './contestant.js';

const run = promisify(execFile);
const MINUTE_MS = 120_000;
const SIZES = [1, 3];

/**
 * `etcdctl check perf --load s`, a minute of 150 puts a second, on one member and on three: etcdctl itself says whether that
 * is enough.
 *
 * @throws if etcdctl is not on the PATH, or is not content with Conclave
 */
export async function checkPerf({ programs, under }: Ground): Promise<void> {
  for (const program of programs) {
    for (const size of SIZES) {
      const cluster = await ProcessCluster.start({ program, under, size });
      try {
        const { told, isWell } = await check(cluster.members.map(({ clientUrl }) => clientUrl));
        console.log(`\netcdctl check perf --load s, ${program.name}, ${size} ${size === 1 ? 'member' : 'members'}`);
        console.log(told.map((line) => `  ${line}`).join('\n'));
        if (!isWell && program.name === 'conclave') process.exitCode = 1;
      } finally {
        await cluster.stop();
      }
    }
  }
}

async function check(urls: readonly string[]): Promise<{ readonly told: readonly string[]; readonly isWell: boolean }> {
  const args = ['--endpoints', urls.join(','), 'check', 'perf', '--load', 's'];
  const options = { timeout: MINUTE_MS, env: { ...process.env, ETCDCTL_API: '3' } };
  // It ends with 1 and says why if it is not content.
  const { stdout } = await run('etcdctl', args, options).catch((error: Error & { stdout?: string }) => {
    if (error.stdout === undefined) throw error;
    return { stdout: error.stdout };
  });
  // What comes before is how far it is, written over itself.
  const told = stdout.split(/[\r\n]/).filter((line) => /^(PASS|FAIL)/.test(line));
  return { told, isWell: told.length > 0 && told.every((line) => line.startsWith('PASS')) };
}
