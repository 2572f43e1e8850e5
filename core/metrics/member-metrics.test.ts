import { describe, expect, test } from '@jest/globals';
import { Durations } from '../base/durations.js';
import { MemberMetrics } from './member-metrics.js';
import type { MemberSource, MetricsSources } from './sources.js';

function sources(): MetricsSources {
  const appendDurations = new Durations();
  appendDurations.observe(0.0015);
  appendDurations.observe(10);
  const member: MemberSource = {
    ...{ memberId: 255n, clusterId: 1n, leader: 255n, isLearner: false, term: 3, revision: 100 },
    ...{ raftIndex: 60, appliedIndex: 50 },
    measures: {
      ...{ isLeader: true, leaderChangeCount: 2, proposalCount: 4, failedProposalCount: 5 },
      ...{ appendDurations, commitDurations: undefined, isEngineOverfull: false },
      limitRefusals: { rate: 25, quota: 26 },
      operations: { puts: 21, deletes: 22, ranges: 23, txns: 24 },
      ...{ keyCount: 7, compactRevision: 9, watcherCount: 8 },
      connections: () => [
        { id: 16n, isConnected: true },
        { id: 17n, isConnected: false },
      ],
    },
    alarms: () => ['NOSPACE'],
    status: () => ({ sizeBytes: 20_480, usedBytes: 16_384, errors: ['no leader'] }),
  };
  const method = { service: 'etcdserverpb.KV', method: 'Range', type: 'unary' };
  return {
    member,
    calls: {
      ...{ receivedBytes: 11, sentBytes: 12 },
      methods: [
        {
          ...method,
          startedCount: 3,
          receivedCount: 3,
          sentCount: 2,
          handled: new Map([
            [0, 2],
            [5, 1],
          ]),
        },
      ],
    },
    http: () => [
      { callCount: 1, bodyBytes: 10 },
      { callCount: 2, bodyBytes: 20 },
    ],
    versions: { server: '3.5.0', cluster: '3.5.0' },
  };
}

async function linesOf(metrics: MemberMetrics): Promise<string[]> {
  return (await metrics.text()).split('\n');
}

describe('the metrics of a member', () => {
  test.each([
    'etcd_server_has_leader 1',
    'etcd_server_is_leader 1',
    'etcd_server_is_learner 0',
    'etcd_server_leader_changes_seen_total 2',
    'etcd_server_proposals_committed_total 60',
    'etcd_server_proposals_applied_total 50',
    'etcd_server_proposals_pending 4',
    'etcd_server_proposals_failed_total 5',
    'etcd_server_id{server_id="ff"} 1',
    'etcd_mvcc_db_total_size_in_bytes 20480',
    'etcd_mvcc_put_total 21',
    'etcd_mvcc_delete_total 22',
    'etcd_mvcc_range_total 23',
    'etcd_mvcc_txn_total 24',
    'etcd_debugging_mvcc_keys_total 7',
    'etcd_debugging_mvcc_compact_revision 9',
    'etcd_debugging_mvcc_watcher_total 8',
    'etcd_network_active_peers{Local="ff",Remote="10"} 1',
    'etcd_network_active_peers{Local="ff",Remote="11"} 0',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 0',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 1',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"} 1',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 2',
    'etcd_disk_wal_fsync_duration_seconds_sum 10.0015',
    'etcd_disk_wal_fsync_duration_seconds_count 2',
    'etcd_network_client_grpc_received_bytes_total 11',
    'grpc_server_started_total{grpc_service="etcdserverpb.KV",grpc_method="Range",grpc_type="unary"} 3',
    'grpc_server_handled_total{grpc_service="etcdserverpb.KV",grpc_method="Range",grpc_type="unary",grpc_code="NotFound"} 1',
    'conclave_raft_unapplied_entries 10',
    'etcd_mvcc_db_total_size_in_use_in_bytes 16384',
    'conclave_alarms{kind="NOSPACE"} 1',
    'conclave_limit_refusals_total{limit="rate"} 25',
    'conclave_limit_refusals_total{limit="quota"} 26',
    'conclave_troubles 1',
    'conclave_http_calls 3',
    'conclave_http_body_bytes 30',
  ])('tell %s', async (line) => {
    expect(await linesOf(new MemberMetrics(sources()))).toContain(line);
  });

  test('are read anew each time, so that nothing counts twice', async () => {
    const metrics = new MemberMetrics(sources());

    await metrics.text();

    expect(await linesOf(metrics)).toContain('etcd_server_leader_changes_seen_total 2');
  });

  test('tell how checks of health came out', async () => {
    const metrics = new MemberMetrics(sources());
    metrics.health.health(true);
    metrics.health.check('readyz', 'non_learner', true);
    metrics.health.check('readyz', 'non_learner', false);

    const lines = await linesOf(metrics);

    expect(lines).toContain('etcd_server_health_success 1');
    expect(lines).toContain('etcd_server_healthcheck{type="readyz",name="non_learner"} 0');
    expect(lines).toContain('etcd_server_healthchecks_total{type="readyz",name="non_learner",status="error"} 1');
  });

  test('leave out what there is none of', async () => {
    const text = await new MemberMetrics(sources()).text();

    expect(text).not.toContain('etcd_disk_backend_commit_duration_seconds_bucket');
    expect(text).not.toMatch(/^etcd_server_id \d/m);
    expect(text).not.toMatch(/^etcd_server_quota_backend_bytes \d/m);
  });
});
