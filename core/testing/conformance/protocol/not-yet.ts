/**
 * What Conclave does not answer yet. Cases that need it are proved on etcd, and wait on Conclave. As soon as something
 * here is answered, a test of `protocol-on-a-member.test.ts` fails: then its line goes, and its cases run.
 */
import type { Method } from './methods.js';
import type { Rule } from './rule.js';

/** Services that are there, and whose cases were never yet held against Conclave: take one out, and see. */
export const UNPROVED: readonly string[] = ['Auth', 'Gateway', 'HTTP'];

/** Methods that are not there. */
export const METHODS_NOT_YET: readonly Method[] = [
  'Maintenance/Defragment',
  ...(['Check', 'Watch'] as const).map((method) => `Health/${method}` as const),
];

/** Paths of HTTP that are not there, with all that is below them, and a request that shows when they are. */
export const PATHS_NOT_YET: Readonly<Record<string, string>> = {
  '/v3/maintenance/defragment': 'POST /v3/maintenance/defragment',
};

/** What no name of a method tells: cases ask for it by `needing`. The case of each holds once it is there. */
export const FEATURES_NOT_YET: Readonly<Record<string, Rule>> = {};
