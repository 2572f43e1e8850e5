/**
 * `npm run patience -- --minutes 10 --seed 7`: random kills, stops and cuts on a cluster of processes, under all workloads, with
 * every promise checked. Ends with 1, the seed, the faults and the members' logs when one was broken.
 */
import { parseArgs } from 'node:util';
import { randomInt } from 'node:crypto';
import { CONCLAVE, ETCD } from '../member-program.js';
import { tryPatience } from './try-patience.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    members: { type: 'string', default: '3' },
    program: { type: 'string', default: 'conclave' },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const forMs = Number(values.minutes) * 60_000;
const size = Number(values.members);
const program = [CONCLAVE, ETCD].find(({ name }) => name === values.program);
if (!program || !(forMs > 0) || !Number.isInteger(size) || size < 2 || !Number.isInteger(seed)) {
  process.stderr.write('--minutes, --seed and --members are numbers, --program is conclave or etcd\n');
  process.exit(2);
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
const tell = (line: string) => process.stdout.write(`${line}\n`);
tell(`${size} members of ${program.name}, ${values.minutes} minutes, --seed ${seed}`);
try {
  tell(await tryPatience({ forMs, seed, size, program, tell, signal: interrupted.signal }));
  tell('nothing was broken');
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
