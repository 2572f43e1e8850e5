import { anything, bare, call, fails, introduced, on, rule, stream, topic } from '../notation.js';
import { ENABLED } from './auth-setup.js';

const watch = stream('Health/Watch');
const second = stream('Health/Watch', 'Health/Watch second');
const UNKNOWN = fails('NOT_FOUND', 'unknown service');
const SERVING = bare({ status: 'SERVING' });

/** The standard health service; it knows no service but the whole. */
export const health = topic(
  'Health',
  rule('the server serves', call('Health/Check', {}, SERVING)),
  ['etcdserverpb.KV', 'grpc.health.v1.Health', 'nonsense', ' '].map((service) =>
    rule(`a service of the name "${service}" is not found`, call('Health/Check', { service }, UNKNOWN)),
  ),
  rule('a watch tells that the server serves', watch.open(), watch.receive(SERVING)),
  rule(
    'a watch of a service that is not known tells that, and goes on',
    watch.open({ service: 'nonsense' }),
    watch.receive(bare({ status: 'SERVICE_UNKNOWN' })),
    second.open(),
    second.receive(SERVING),
  ),
  rule('the server serves who wants a leader', call('Health/Check', {}, SERVING, { hasleader: 'true' })),
  on(
    'auth',
    rule('whether the server serves is told to everybody', ENABLED, call('Health/Check', {}, SERVING)),
    rule('a token of nobody is not looked at', ENABLED, call('Health/Check', {}, SERVING, { token: 'x' })),
  ),
  introduced('3.7', rule('all services are listed', call('Health/List', {}, bare({ statuses: anything })))),
  rule('a watch that the client ends is ended', watch.open(), watch.receive(SERVING), watch.cancel()),
);
