import { collectDefaultMetrics, Registry } from 'prom-client';
import { Families, type Sample } from './families.js';
import { HealthCounts } from './health-counts.js';
import type { CallsSource, MetricsSources } from './sources.js';

/** gRPC's names of its statuses as Go has them, by number. Dashboards select by these. */
const CODES = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
] as const;

const METHOD_LABELS = ['grpc_service', 'grpc_method', 'grpc_type'] as const;

/**
 * The metrics of a member, as Prometheus reads them: etcd's names where the meaning is the same, `conclave_` before our
 * own, and those of the process. `docs/metrics.md` has them all.
 */
export class MemberMetrics {
  readonly health: HealthCounts;
  readonly #sources: MetricsSources;
  #registry: Registry | undefined;

  /** @param health - what was counted of it so far */
  constructor(sources: MetricsSources, health = new HealthCounts()) {
    this.#sources = sources;
    this.health = health;
  }

  get contentType(): string {
    return Registry.PROMETHEUS_CONTENT_TYPE;
  }

  /** All of them at this moment. What watches the process itself begins with the first call. */
  text(): Promise<string> {
    this.#registry ??= this.#build();
    return this.#registry.metrics();
  }

  #build(): Registry {
    const registry = new Registry();
    const families = new Families(registry);
    this.#addRaft(families);
    this.#addStore(families);
    this.#addCalls(families);
    this.#addHealth(families);
    this.#addOwn(families);
    collectDefaultMetrics({ register: registry });
    return registry;
  }

  #addRaft(families: Families): void {
    const { member, versions } = this.#sources;
    const { measures } = member;
    families.gauge('etcd_server_has_leader', 'Whether this member knows a leader.', () =>
      Number(member.leader !== undefined),
    );
    families.gauge('etcd_server_is_leader', 'Whether this member leads.', () => Number(measures.isLeader));
    families.gauge('etcd_server_is_learner', 'Whether this member has no vote.', () => Number(member.isLearner));
    families.counter(
      'etcd_server_leader_changes_seen_total',
      'How often somebody began to lead, as seen here.',
      () => measures.leaderChangeCount,
    );
    families.gauge(
      'etcd_server_proposals_committed_total',
      'Entries committed, as known here.',
      () => member.raftIndex,
    );
    families.gauge('etcd_server_proposals_applied_total', 'Entries applied here.', () => member.appliedIndex);
    families.gauge('etcd_server_proposals_pending', 'Proposals made here that wait.', () => measures.proposalCount);
    families.counter(
      'etcd_server_proposals_failed_total',
      'Proposals made here that failed for want of a leader, a majority, time or room.',
      () => measures.failedProposalCount,
    );
    families.gauge('etcd_server_id', 'The member by its id.', () => [[{ server_id: hex(member.memberId) }, 1]], [
      'server_id',
    ]);
    families.gauge(
      'etcd_server_version',
      'The version of the protocol.',
      () => [[{ server_version: versions.server }, 1]],
      ['server_version'],
    );
    families.gauge(
      'etcd_cluster_version',
      'The version of the protocol that all members have.',
      () => [[{ cluster_version: versions.cluster }, 1]],
      ['cluster_version'],
    );
    families.gauge(
      'etcd_network_active_peers',
      'Whether there is a connection to another member.',
      () =>
        measures
          .connections()
          .map(({ id, isConnected }): Sample => [
            { Local: hex(member.memberId), Remote: hex(id) },
            Number(isConnected),
          ]),
      ['Local', 'Remote'],
    );
  }

  #addStore(families: Families): void {
    const { member } = this.#sources;
    const { measures } = member;
    const sizeBytes = () => member.status().sizeBytes;
    families.gauge('etcd_mvcc_db_total_size_in_bytes', 'Bytes that the store takes on disk.', sizeBytes);
    families.gauge('etcd_debugging_mvcc_db_total_size_in_bytes', 'The same by its older name.', sizeBytes);
    families.gauge(
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'Of those, the bytes that hold something.',
      () => member.status().usedBytes,
    );
    families.gauge(
      'etcd_server_quota_backend_bytes',
      'Bytes above which nothing is taken any more.',
      () => member.status().quotaBytes,
    );
    this.#addOperations(families);
    families.gauge('etcd_debugging_mvcc_keys_total', 'Keys with a history.', () => measures.keyCount);
    families.gauge('etcd_debugging_mvcc_current_revision', "The store's revision.", () => member.revision);
    families.gauge(
      'etcd_debugging_mvcc_compact_revision',
      'The revision of the last compaction.',
      () => measures.compactRevision,
    );
    families.gauge('etcd_debugging_mvcc_watcher_total', 'Watches that are open.', () => measures.watcherCount);
    families.durations(
      'etcd_disk_wal_fsync_duration_seconds',
      'How long the log took to make a group of entries durable.',
      () => measures.appendDurations,
    );
    families.durations(
      'etcd_disk_backend_commit_duration_seconds',
      'How long the engine took for a transaction, made durable.',
      () => measures.commitDurations,
    );
  }

  #addOperations(families: Families): void {
    const { measures } = this.#sources.member;
    const counter = families.counter.bind(families);
    counter('etcd_mvcc_put_total', 'Puts carried out here.', () => measures.operations.puts);
    counter('etcd_mvcc_delete_total', 'Deletions carried out here.', () => measures.operations.deletes);
    counter('etcd_mvcc_range_total', 'Ranges read here.', () => measures.operations.ranges);
    counter('etcd_mvcc_txn_total', 'Writes and reads of several operations.', () => measures.operations.txns);
  }

  #addCalls(families: Families): void {
    const { calls } = this.#sources;
    families.counter(
      'etcd_network_client_grpc_received_bytes_total',
      'Bytes of messages from clients.',
      () => calls.receivedBytes,
    );
    families.counter(
      'etcd_network_client_grpc_sent_bytes_total',
      'Bytes of messages to clients.',
      () => calls.sentBytes,
    );
    const perMethod = (name: string, help: string, read: (method: MethodSource) => number) =>
      families.counter(
        name,
        help,
        () => [...calls.methods].map((method): Sample => [labelsOf(method), read(method)]),
        METHOD_LABELS,
      );
    perMethod('grpc_server_started_total', 'Calls that began.', ({ startedCount }) => startedCount);
    perMethod('grpc_server_msg_received_total', 'Messages from clients.', ({ receivedCount }) => receivedCount);
    perMethod('grpc_server_msg_sent_total', 'Messages to clients.', ({ sentCount }) => sentCount);
    families.counter(
      'grpc_server_handled_total',
      'Calls that ended, by status.',
      () => [...calls.methods].flatMap(handled),
      [...METHOD_LABELS, 'grpc_code'],
    );
  }

  #addHealth(families: Families): void {
    const { health } = this;
    families.counter('etcd_server_health_success', 'Times that /health was well.', () => health.passedCount);
    families.counter('etcd_server_health_failures', 'Times that /health was not.', () => health.failedCount);
    families.gauge('etcd_server_healthcheck', 'How a check came out last.', () => health.last(), ['type', 'name']);
    families.counter('etcd_server_healthchecks_total', 'How checks came out.', () => health.all(), [
      ...['type', 'name', 'status'],
    ]);
  }

  #addOwn(families: Families): void {
    const { member, http } = this.#sources;
    const { measures } = member;
    const sum = (read: (source: { callCount: number; bodyBytes: number }) => number) => () =>
      [...http()].reduce((total, source) => total + read(source), 0);
    families.gauge('conclave_raft_term', "Raft's term.", () => member.term);
    families.gauge(
      'conclave_raft_unapplied_entries',
      'Entries that are committed and not yet applied here.',
      () => member.raftIndex - member.appliedIndex,
    );
    families.gauge('conclave_engine_overfull', 'Whether the engine holds everything up.', () =>
      Number(measures.isEngineOverfull),
    );
    families.gauge(
      'conclave_troubles',
      'What the member says is wrong at present.',
      () => member.status().errors.length,
    );
    families.gauge(
      'conclave_alarms',
      'Alarms that are raised, by kind.',
      () => member.alarms().map((kind): Sample => [{ kind }, 1]),
      ['kind'],
    );
    families.counter(
      'conclave_limit_refusals_total',
      'Calls refused by limits for keys of certain prefixes, by kind of limit.',
      () => Object.entries(measures.limitRefusals).map(([limit, count]): Sample => [{ limit }, count]),
      ['limit'],
    );
    families.gauge(
      'conclave_http_calls',
      'Calls through the HTTP gateway under way.',
      sum(({ callCount }) => callCount),
    );
    families.gauge(
      'conclave_http_body_bytes',
      'Bytes of HTTP requests that are arriving.',
      sum(({ bodyBytes }) => bodyBytes),
    );
  }
}

type MethodSource = CallsSource['methods'] extends Iterable<infer Each> ? Each : never;

function labelsOf({ service, method, type }: MethodSource): Record<string, string> {
  return { grpc_service: service, grpc_method: method, grpc_type: type };
}

function handled(method: MethodSource): Sample[] {
  return [...method.handled].map(([code, count]) => [
    { ...labelsOf(method), grpc_code: CODES[code] ?? 'Unknown' },
    count,
  ]);
}

function hex(id: bigint): string {
  return id.toString(16);
}
