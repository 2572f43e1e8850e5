/**
 * `npm run bench:cluster`: three members of Conclave, beside three of a real etcd where there is one on the PATH: the same
 * client, the same run, taking turns. `npm run bench:cluster -- puts failover --rounds 5` runs some parts only.
 */
import { failover } from './cluster/failover.js';
import { idle } from './cluster/idle.js';
import { memory } from './cluster/memory.js';
import { puts, reads } from './cluster/puts-and-reads.js';
import { rejoin } from './cluster/rejoin.js';
import { runParts } from './parts.js';

await runParts({
  script: 'bench:cluster',
  parts: { idle, puts, reads, failover, rejoin, memory },
  numbers: {
    /** Rounds of failover, and of puts and reads, where three are enough. */
    rounds: 20,
    /** Puts that a member misses; the memory is measured over ten times as many. */
    puts: 100_000,
  },
});
