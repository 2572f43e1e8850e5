/**
 * `npm run bench:cluster`: three members of Conclave, beside three of a real etcd where there is one on the PATH: the same
 * client, the same run, taking turns. `npm run bench:cluster -- puts failover --rounds 5` runs some parts only; there are puts,
 * reads, idle, failover, rejoin and memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONCLAVE, ETCD } from '../core/testing/cluster/member-program.js';
import { findEtcd } from '../core/testing/etcd-process.js';
import type { Ground } from './cluster/contestant.js';
import { failover } from './cluster/failover.js';
import { idle } from './cluster/idle.js';
import { memory } from './cluster/memory.js';
import { puts, reads } from './cluster/puts-and-reads.js';
import { rejoin } from './cluster/rejoin.js';

const PARTS: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  idle,
  puts,
  reads,
  failover,
  rejoin,
  memory,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Rounds of failover, and of puts and reads, where three are enough. */
    rounds: { type: 'string', default: '20' },
    /** Puts that a member misses; the memory is measured over ten times as many. */
    puts: { type: 'string', default: '100000' },
    /** Only `conclave`, or only `etcd`. */
    only: { type: 'string' },
  },
});
const unknown = positionals.filter((part) => !(part in PARTS));
if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}\n`);
  process.exit(2);
}
const programs = [CONCLAVE, ...(findEtcd() === undefined ? [] : [ETCD])];
// Beside the working folder, not in the temporary one, which may be in memory and make fdatasync free.
const under = await mkdtemp(join(process.cwd(), '.bench-'));
const ground: Ground = {
  programs: programs.filter(({ name }) => values.only === undefined || values.only === name),
  under,
  rounds: Number(values.rounds),
  puts: Number(values.puts),
};
console.log(`Node ${process.version}, ${availableParallelism()} cores, disk ${under}`);
try {
  for (const part of positionals.length > 0 ? positionals : Object.keys(PARTS)) await PARTS[part]?.(ground);
} finally {
  await rm(under, { recursive: true, force: true });
}
