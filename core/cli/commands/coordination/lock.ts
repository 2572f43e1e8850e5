import type { Command } from 'commander';
import type { Ending, Runner } from '../../asking/runner.js';
import type { Surroundings } from '../../asking/surroundings.js';
import type { RangeResponse } from '../../../rpc/gen/kv.js';
import { EXIT } from '../../exit-code.js';
import type { Words } from '../../print/printer.js';
import { GET_WORDS } from '../keys/words.js';
import { int64 } from '../numbers.js';
import { type Hold, untilInterrupted, whileHeld } from './hold.js';

/** The key that is held; etcdctl prints its empty value, too. */
const LOCK_WORDS: Words<RangeResponse> = GET_WORDS;

/** Holding a lock. */
export function addLockCommand(program: Command, runner: Runner): void {
  program
    .command('lock <name> [command...]')
    .usage('[options] <name> [-- command...]')
    .summary('holds a lock, while a command runs')
    .description(
      'Waits for a lock, and holds it while a command runs, or until it is interrupted. The command finds the lock’s key ' +
        'in ETCD_LOCK_KEY and its fencing token in ETCD_LOCK_REV; should the lock be lost, it is sent SIGTERM. The exit ' +
        'code is the command’s.',
    )
    .option('--ttl <seconds>', 'how long the lock survives us', '10')
    .action((name: string, [command, ...args]: string[], { ttl }: { ttl: string }) =>
      runner.asking((context) => {
        const tell = context.teller(LOCK_WORDS);
        const order = { name, value: '', ttlSeconds: int64(ttl, '--ttl') };
        return whileHeld<Ending>(context, order, async (hold) => {
          if (command !== undefined) return runHeld(context.surroundings, hold, command, args);
          tell(hold.granted);
          return untilInterrupted(hold);
        });
      }),
    );
}

/** Runs a command while the lock is held; what it cannot do safely any more, it is told to leave. */
async function runHeld(
  { runChild, env }: Surroundings,
  { place, granted, interrupts, lost }: Hold,
  command: string,
  args: readonly string[],
): Promise<number> {
  const token = granted.kvs[0]?.createRevision ?? 0;
  const child = runChild(command, args, { ...env, ETCD_LOCK_KEY: place.key.toString(), ETCD_LOCK_REV: String(token) });
  interrupts.onEach((name) => child.kill(name));
  const tellLost = () => child.kill('SIGTERM');
  lost.addEventListener('abort', tellLost, { once: true });
  const { code, problem } = await child.ended;
  lost.removeEventListener('abort', tellLost);
  lost.throwIfAborted();
  if (problem?.startsWith('exec:') === true) throw new Error(problem);
  return code === 0 ? EXIT.ok : code;
}
