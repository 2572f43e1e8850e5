/**
 * `npm run bench:api`: what many clients ask of one member, which runs in a process of its own; beside a real etcd where there
 * is one on the PATH. `npm run bench:api -- watchers ranges --divide 50` runs some parts only, with a fiftieth of everything;
 * there are watchers, catch-up, keep-alives, expiry and ranges, and check-perf, which takes minutes and must be named.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONCLAVE, ETCD } from '../core/testing/cluster/member-program.js';
import { findEtcd } from '../core/testing/etcd-process.js';
import { catchUp } from './api/catch-up.js';
import { checkPerf } from './api/check-perf.js';
import type { Ground } from './api/contestant.js';
import { expiry } from './api/expiry.js';
import { keepAlives } from './api/keep-alives.js';
import { ranges } from './api/ranges.js';
import { watchers } from './api/watchers.js';

const PARTS: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  watchers,
  'catch-up': catchUp,
  'keep-alives': keepAlives,
  expiry,
  ranges,
};
const NAMED_ONLY: typeof PARTS = { 'check-perf': checkPerf };
const ALL_PARTS = { ...PARTS, ...NAMED_ONLY };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** By what all counts are divided. */
    divide: { type: 'string', default: '1' },
    /** Only `conclave`, or only `etcd`. */
    only: { type: 'string' },
  },
});
const unknown = positionals.filter((part) => !(part in ALL_PARTS));
const divisor = Number(values.divide);
if (unknown.length > 0 || !(divisor >= 1)) {
  process.stderr.write(`parts are ${Object.keys(ALL_PARTS).join(', ')}; --divide is a number of at least 1\n`);
  process.exit(2);
}
const programs = [CONCLAVE, ...(findEtcd() === undefined ? [] : [ETCD])];
// Beside the working folder, not in the temporary one, which may be in memory and make fdatasync free.
const under = await mkdtemp(join(process.cwd(), '.bench-'));
const ground: Ground = {
  programs: programs.filter(({ name }) => values.only === undefined || values.only === name),
  under,
  divisor,
};
console.log(`Node ${process.version}, ${availableParallelism()} cores, disk ${under}`);
try {
  for (const part of positionals.length > 0 ? positionals : Object.keys(PARTS)) await ALL_PARTS[part]?.(ground);
} finally {
  await rm(under, { recursive: true, force: true });
}
