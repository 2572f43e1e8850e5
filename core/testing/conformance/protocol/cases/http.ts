import {
  answers,
  call,
  http,
  introduced,
  jsonWith,
  like,
  on,
  onPurpose,
  rule,
  since,
  topic,
  withHeaders,
} from '../notation.js';
import { ENABLED } from './auth-setup.js';

const HEALTHY = since('3.5', answers(200, { health: 'true', reason: '' }), {
  before: answers(200, { health: 'true' }),
});
const ill = (reason: string) =>
  since('3.5', answers(503, { health: 'false', reason }), { before: answers(503, { health: 'false' }) });
const TEXT = 'text/plain; charset=utf-8';
const OTHERS = ['POST', 'PUT', 'DELETE'];

const tells = (metric: string) =>
  rule(
    `/metrics tells ${metric}`,
    http('GET /metrics', undefined, answers(200, like(new RegExp(`^${metric.replace(' 1', ' [01]')}`, 'm')))),
  );

export const httpPaths = topic(
  'HTTP',
  rule('/health tells that the member is well', http('GET /health', undefined, HEALTHY)),
  OTHERS.map((method) =>
    rule(
      `/health is not asked by ${method}`,
      http(`${method} /health`, method === 'DELETE' ? undefined : '', answers(405, like(/^Method Not Allowed/))),
    ),
  ),
  rule('/health is asked of the member alone', http('GET /health?serializable=true', undefined, HEALTHY)),
  rule('/health leaves out alarms that it is told to', http('GET /health?exclude=NOSPACE', undefined, HEALTHY)),
  rule(
    '/health leaves out nothing that does not exist',
    http('GET /health?exclude=nonsense&exclude=', undefined, HEALTHY),
  ),
  on(
    'quota',
    rule(
      '/health tells of an alarm, but where it is told to leave it out',
      call('Maintenance/Alarm', { action: 'ACTIVATE', alarm: 'NOSPACE', memberID: 77 }),
      http('GET /health', undefined, ill('ALARM NOSPACE')),
      http('GET /health?exclude=CORRUPT', undefined, ill('ALARM NOSPACE')),
      http('GET /health?exclude=NOSPACE', undefined, HEALTHY),
      call('Maintenance/Alarm', { action: 'DEACTIVATE', alarm: 'NOSPACE', memberID: 77 }),
      http('GET /health', undefined, HEALTHY),
    ),
    introduced(
      '3.4.29 3.5.11 3.6',
      rule(
        '/readyz tells of damage, but where it is told to leave it out, and /livez does not',
        call('Maintenance/Alarm', { action: 'ACTIVATE', alarm: 'CORRUPT', memberID: 77 }),
        http('GET /readyz', undefined, answers(503, like(/^\[-\]data_corruption failed: alarm activated: CORRUPT$/m))),
        http('GET /readyz?exclude=data_corruption', undefined, answers(200, 'ok\n')),
        http('GET /readyz/data_corruption', undefined, answers(503)),
        http('GET /livez', undefined, answers(200, 'ok\n')),
        call('Maintenance/Alarm', { action: 'DEACTIVATE', alarm: 'CORRUPT', memberID: 77 }),
        http('GET /readyz', undefined, answers(200, 'ok\n')),
      ),
    ),
  ),
  on(
    'auth',
    rule('/health asks for no token', ENABLED, http('GET /health', undefined, HEALTHY)),
    rule('/version asks for no token', ENABLED, http('GET /version', undefined, answers(200, jsonWith('etcdserver')))),
    rule('/metrics asks for no token', ENABLED, http('GET /metrics', undefined, answers(200, like(/^# HELP /)))),
  ),
  rule('/version is not asked by POST', http('POST /version', '', answers(405, like(/^Method Not Allowed/)))),
  ['/', '/v2/keys/a', '/v3', '/health/', '/health/x', '/version/', '/metrics/'].map((path) =>
    rule(`a path that does not exist is not found: ${path}`, http(`GET ${path}`, undefined, answers(404))),
  ),
  rule(
    'a page of another origin may ask what it may ask for',
    http('OPTIONS /v3/kv/range', undefined, answers(200, '')),
  ),
  ...(
    [
      ['GET /health', answers(200), { 'content-type': TEXT }],
      ['POST /health', answers(405), { 'content-type': TEXT, allow: 'GET' }],
      ['GET /version', answers(200), { 'content-type': 'application/json' }],
      ['POST /version', answers(405), { 'content-type': TEXT, allow: 'GET' }],
      ['GET /metrics', answers(200), { 'content-type': like(/^text\/plain; version=0\.0\.4; charset=utf-8/) }],
      ['GET /nonsense', answers(404), { 'content-type': TEXT, 'x-content-type-options': 'nosniff' }],
      ['POST /v3/kv/range', answers(400), { 'content-type': 'application/json' }],
      ['POST /v3/maintenance/status', answers(200), { 'content-type': 'application/json' }],
      ['POST /v3/maintenance/status', answers(200), { 'grpc-metadata-content-type': 'application/grpc' }],
    ] as const
  ).map(([line, outcome, headers]) =>
    rule(
      `headers of ${line}: ${Object.keys(headers).join(', ')}`,
      http(line, line.startsWith('GET') ? undefined : '', withHeaders(outcome, headers)),
    ),
  ),
  ['GET /version', 'GET /health', 'OPTIONS /v3/kv/range', 'POST /v3/maintenance/status', 'GET /nonsense'].map((line) =>
    rule(
      `pages of any origin may ask: ${line}`,
      http(
        line,
        line.startsWith('POST') ? '' : undefined,
        withHeaders(answers(line.endsWith('nonsense') ? 404 : 200), {
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE',
          'access-control-allow-headers': 'accept, content-type, authorization',
        }),
        { origin: 'http://elsewhere.example' },
      ),
    ),
  ),
  rule(
    'what Go tells of itself is told by etcd alone',
    http(
      'GET /debug/vars',
      undefined,
      onPurpose('nothing-of-go', { etcd: answers(200, jsonWith('memstats')), conclave: answers(404) }),
    ),
  ),
  rule(
    '/version tells the versions of member and cluster',
    http('GET /version', undefined, answers(200, jsonWith('etcdserver', 'etcdcluster'))),
  ),
  rule('/metrics tells metrics as text', http('GET /metrics', undefined, answers(200, like(/^# HELP /)))),
  [
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
    'etcd_network_client_grpc_received_bytes_total',
    'etcd_network_client_grpc_sent_bytes_total',
    'etcd_debugging_mvcc_keys_total',
    'etcd_debugging_mvcc_watcher_total',
    'etcd_mvcc_put_total',
    'etcd_mvcc_range_total',
    'etcd_mvcc_delete_total',
    'etcd_mvcc_txn_total',
    'etcd_server_id',
    'etcd_server_version',
    'etcd_cluster_version',
    'grpc_server_started_total',
    'grpc_server_msg_received_total',
    'grpc_server_msg_sent_total',
    'process_open_fds',
    'etcd_server_quota_backend_bytes',
    'grpc_server_handled_total',
    'process_resident_memory_bytes',
  ].map(tells),
  on('members', tells('etcd_disk_backend_commit_duration_seconds_bucket')),
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
        answers(200, like(/^(\[\+\](data_corruption|serializable_read|non_learner) ok\n){3}ok\n$/)),
      ),
    ),
  ),
);
