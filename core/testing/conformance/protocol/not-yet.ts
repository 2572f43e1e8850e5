/**
 * What Conclave does not answer yet. Cases that need it are proved on etcd, and wait on Conclave. As soon as something
 * here is answered, a test of `protocol-on-a-member.test.ts` fails: then its line goes, and its cases run.
 */
import type { Method } from './methods.js';
import { answers, call, gives, http, including, positive, rule } from './notation.js';
import type { Rule } from './rule.js';

/** Methods that are not there. */
export const METHODS_NOT_YET: readonly Method[] = [
  ...(['Defragment', 'Hash', 'Downgrade'] as const).map((method) => `Maintenance/${method}` as const),
  ...(['Lock', 'Unlock'] as const).map((method) => `Lock/${method}` as const),
  ...(['Campaign', 'Proclaim', 'Leader', 'Observe', 'Resign'] as const).map((method) => `Election/${method}` as const),
  ...(['Check', 'Watch'] as const).map((method) => `Health/${method}` as const),
];

/** Paths of HTTP that are not there, with all that is below them, and a request that shows when they are. */
export const PATHS_NOT_YET: Readonly<Record<string, string>> = {
  '/v3/': 'POST /v3/kv/range',
  '/v3beta/': 'POST /v3beta/kv/range',
  '/health': 'GET /health',
  '/version': 'GET /version',
  '/metrics': 'GET /metrics',
  '/livez': 'GET /livez',
  '/readyz': 'GET /readyz',
};

/** What no name of a method tells: cases ask for it by `needing`. The case of each holds once it is there. */
export const FEATURES_NOT_YET: Readonly<Record<string, Rule>> = {
  'status of 3.6': rule(
    'the status tells the quota',
    call('Maintenance/Status', {}, gives(including({ dbSizeQuota: positive }))),
  ),
  'texts of HTTP': rule('a path that does not exist is not found', http('GET /nonsense', undefined, answers(404))),
};
