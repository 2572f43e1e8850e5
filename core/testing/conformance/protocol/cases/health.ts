import { bare, call, fails, on, rule, stream, topic } from '../notation.js';

const watch = stream('Health/Watch');
const UNKNOWN = fails('NOT_FOUND', 'unknown service');

/** The standard health service; it knows no service but the whole. */
export const health = topic(
  'Health',
  rule('the server serves', call('Health/Check', {}, bare({ status: 'SERVING' }))),
  rule('a service that is not known is not found', call('Health/Check', { service: 'etcdserverpb.KV' }, UNKNOWN)),
  rule('a service that does not exist is not found', call('Health/Check', { service: 'nonsense' }, UNKNOWN)),
  rule('a watch tells that the server serves', watch.open(), watch.receive(bare({ status: 'SERVING' }))),
  rule(
    'a watch of a service that is not known tells that',
    watch.open({ service: 'nonsense' }),
    watch.receive(bare({ status: 'SERVICE_UNKNOWN' })),
  ),
  on('fresh'),
);
