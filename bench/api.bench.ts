/**
 * `npm run bench:api`: what many clients ask of one member, which runs in a process of its own; beside a real etcd where there
 * is one on the PATH. `npm run bench:api -- watchers ranges --divide 50` runs some parts only, with a fiftieth of everything;
 * check-perf takes minutes and must be named.
 */
import { catchUp } from './api/catch-up.js';
import { checkPerf } from './api/check-perf.js';
import { expiry } from './api/expiry.js';
import { keepAlives } from './api/keep-alives.js';
import { ranges } from './api/ranges.js';
import { watchers } from './api/watchers.js';
import { runParts } from './parts.js';

await runParts({
  script: 'bench:api',
  parts: { watchers, 'catch-up': catchUp, 'keep-alives': keepAlives, expiry, ranges },
  onlyNamed: { 'check-perf': checkPerf },
  numbers: {
    /** By what all counts are divided. */
    divide: 1,
  },
});
