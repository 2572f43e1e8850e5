/**
 * What Conclave does not answer yet. Cases that need it are proved on etcd and wait on Conclave. The suite fails as soon
 * as something here is answered: then its line goes.
 */
import type { Call, HttpCall } from './rule.js';
import { call, http } from './notation.js';

/** Methods, and paths of HTTP, that are not there: such as `Lock/Lock`, or `/v3/kv/range`. */
export const NOT_YET: readonly string[] = [
  'KV/RangeStream',
  ...['Defragment', 'Hash', 'Downgrade'].map((method) => `Maintenance/${method}`),
  ...['AuthEnable', 'AuthDisable', 'AuthStatus', 'Authenticate'].map((method) => `Auth/${method}`),
  ...['Add', 'Get', 'List', 'Delete', 'ChangePassword', 'GrantRole', 'RevokeRole'].map(
    (method) => `Auth/User${method}`,
  ),
  ...['Add', 'Get', 'List', 'Delete', 'GrantPermission', 'RevokePermission'].map((method) => `Auth/Role${method}`),
  ...['Lock', 'Unlock'].map((method) => `Lock/${method}`),
  ...['Campaign', 'Proclaim', 'Leader', 'Observe', 'Resign'].map((method) => `Election/${method}`),
  ...['Check', 'Watch'].map((method) => `Health/${method}`),
  '/v3/',
  '/v3beta/',
  '/health',
  '/version',
  '/metrics',
  '/livez',
  '/readyz',
];

/** What no name of a method tells, and the request that shows whether it is there. Cases ask for it by `needing`. */
export const FEATURES_NOT_YET: Readonly<Record<string, Call | HttpCall>> = {
  alarms: call('Maintenance/Alarm', { action: 'ACTIVATE', memberID: 1, alarm: 'NOSPACE' }),
  http: http('GET /', undefined),
};
