/** What metrics are read from. Whoever composes a member satisfies these; nothing of it is asked before somebody scrapes. */
import type { Durations } from '../base/durations.js';

/** A member, as far as it is measured. */
export interface MemberSource {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  readonly leader: bigint | undefined;
  readonly isLearner: boolean;
  readonly term: number;
  readonly revision: number;
  /** The last entry known to be committed, and the last one applied here. */
  readonly raftIndex: number;
  readonly appliedIndex: number;
  readonly measures: {
    readonly isLeader: boolean;
    readonly leaderChangeCount: number;
    readonly proposalCount: number;
    readonly failedProposalCount: number;
    /** Calls refused by limits for keys of certain prefixes. */
    readonly limitRefusals: { readonly rate: number; readonly quota: number };
    readonly appendDurations: Durations;
    readonly commitDurations: Durations | undefined;
    readonly isEngineOverfull: boolean;
    /** Carried out here; each counts from 0 when the member starts, or takes a snapshot. */
    readonly operations: {
      readonly puts: number;
      readonly deletes: number;
      readonly ranges: number;
      readonly txns: number;
    };
    readonly keyCount: number;
    readonly compactRevision: number;
    readonly watcherCount: number;
    connections(): readonly { readonly id: bigint; readonly isConnected: boolean }[];
  };
  /** Kinds of alarms that are raised. */
  alarms(): readonly string[];
  status(): {
    readonly sizeBytes: number;
    /** Of those, the bytes that hold something, where that is known. */
    readonly usedBytes?: number;
    /** Above which nothing is taken any more, where there is such a limit. */
    readonly quotaBytes?: number;
    readonly errors: readonly string[];
  };
}

/** The calls of clients. */
export interface CallsSource {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly methods: Iterable<{
    readonly service: string;
    readonly method: string;
    readonly type: string;
    readonly startedCount: number;
    readonly receivedCount: number;
    readonly sentCount: number;
    /** By gRPC's number of the status. */
    readonly handled: ReadonlyMap<number, number>;
  }>;
}

/** What comes by HTTP/1.1. */
export interface HttpSource {
  readonly callCount: number;
  readonly bodyBytes: number;
}

/** Everything that is measured. */
export interface MetricsSources {
  readonly member: MemberSource;
  readonly calls: CallsSource;
  /** One for each port that is listened on. */
  readonly http: () => Iterable<HttpSource>;
  readonly versions: { readonly server: string; readonly cluster: string };
}
