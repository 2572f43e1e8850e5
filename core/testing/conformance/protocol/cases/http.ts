import { answers, http, introduced, jsonWith, like, rule, since, topic } from '../notation.js';

const OTHERS = ['POST', 'PUT', 'DELETE'];

export const httpPaths = topic(
  'HTTP',
  rule(
    '/health tells that the member is well',
    http(
      'GET /health',
      undefined,
      since('3.5', answers(200, { health: 'true', reason: '' }), { before: answers(200, { health: 'true' }) }),
    ),
  ),
  OTHERS.map((method) =>
    rule(
      `/health is not asked by ${method}`,
      http(`${method} /health`, method === 'DELETE' ? undefined : '', answers(405, like(/^Method Not Allowed/))),
    ),
  ),
  rule(
    '/version tells the versions of member and cluster',
    http('GET /version', undefined, answers(200, jsonWith('etcdserver', 'etcdcluster'))),
  ),
  rule('/metrics tells metrics as text', http('GET /metrics', undefined, answers(200, like(/^# HELP /)))),
  ...[
    'etcd_server_has_leader 1',
    'etcd_server_is_leader 1',
    'etcd_server_leader_changes_seen_total',
    'etcd_server_proposals_committed_total',
    'etcd_server_proposals_applied_total',
    'etcd_server_proposals_pending',
    'etcd_server_proposals_failed_total',
    'etcd_mvcc_db_total_size_in_bytes',
    'etcd_mvcc_db_total_size_in_use_in_bytes',
    'etcd_disk_wal_fsync_duration_seconds_bucket',
    'etcd_disk_backend_commit_duration_seconds_bucket',
    'etcd_network_client_grpc_received_bytes_total',
    'etcd_network_client_grpc_sent_bytes_total',
    'etcd_debugging_mvcc_keys_total',
    'etcd_debugging_mvcc_watcher_total',
    'etcd_mvcc_put_total',
    'etcd_mvcc_range_total',
    'etcd_server_quota_backend_bytes',
    'grpc_server_handled_total',
    'process_resident_memory_bytes',
  ].map((metric) =>
    rule(
      `/metrics tells ${metric}`,
      http('GET /metrics', undefined, answers(200, like(new RegExp(`^${metric.replace(' 1', ' [01]')}`, 'm')))),
    ),
  ),
  rule(
    'a path that does not exist is not found',
    http('GET /nonsense', undefined, answers(404, like(/404 page not found/))),
  ),
  introduced(
    '3.4.29 3.5.11 3.6',
    ...['/livez', '/readyz'].flatMap((path) => [
      rule(`${path} tells that the member is well`, http(`GET ${path}`, undefined, answers(200, like(/^ok/)))),
      rule(
        `${path} tells what was looked at`,
        http(`GET ${path}?verbose`, undefined, answers(200, like(/\[\+\]serializable_read ok/))),
      ),
      rule(
        `${path}/serializable_read is one of them`,
        http(`GET ${path}/serializable_read`, undefined, answers(200, like(/^ok/))),
      ),
    ]),
    rule(
      '/readyz looks at a linearizable read',
      http('GET /readyz?verbose', undefined, answers(200, like(/\[\+\]linearizable_read ok/))),
    ),
    rule(
      '/readyz leaves out what it is told to',
      http(
        'GET /readyz?verbose&exclude=linearizable_read',
        undefined,
        answers(200, like(/linearizable_read excluded/)),
      ),
    ),
  ),
);
