import type { Clock } from '../../base/clock.js';
import type { Event, KeyRange } from '../../base/key-value.js';
import type { WatchBatch } from '../../base/operation.js';
import { ManualClock } from '../../testing/manual-clock.js';
import type {
  CallerCredentials,
  ClusterMember,
  MemberPorts,
  PortSnapshot,
  PortWatcher,
  ServedMember,
} from '../ports.js';

type WatchRequest = Parameters<MemberPorts['watch']>[0];
type Taken = ReturnType<PortWatcher['take']>;

/** A watch that delivers what the test puts into it. */
export class FakeWatcher implements PortWatcher {
  readonly taken: Taken[] = [];
  readonly #queue: Exclude<Taken, undefined>[] = [];
  synced = true;
  isCancelled = false;

  constructor(
    readonly request: WatchRequest,
    private readonly onReady: () => void,
    public revision: number,
    readonly startRevision: number,
  ) {}

  get waitingCount(): number {
    return this.#queue.length;
  }

  /** A batch of puts, one for each revision; a value of so many bytes each. */
  puts(revisions: readonly number[], valueBytes = 0): void {
    this.deliver({
      revision: revisions.at(-1) ?? this.revision,
      events: revisions.map((revision) => putEvent(revision, valueBytes)),
    });
  }

  deliver(batch: WatchBatch): void {
    this.revision = batch.revision;
    this.#push({ type: 'batch', batch });
  }

  compacted(compactRevision: number): void {
    this.#push({ type: 'compacted', compactRevision });
  }

  take(): Taken {
    const next = this.#queue.shift();
    this.synced = this.#queue.length === 0;
    return next;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  #push(item: Exclude<Taken, undefined>): void {
    this.#queue.push(item);
    this.synced = false;
    if (this.#queue.length === 1) this.onReady();
  }
}

export function putEvent(revision: number, valueBytes = 0): Event {
  const kv = { key: Buffer.from('k'), value: Buffer.alloc(valueBytes), version: 1, lease: 0n };
  return { type: 'put', kv: { ...kv, createRevision: revision, modRevision: revision } };
}

const notScripted = (): Promise<never> => Promise.reject(new Error('the test does not say what this answers'));

/** A member whose answers a test gives. What it does not give fails. */
export class FakeMember implements MemberPorts, ServedMember {
  readonly clusterId = 11n;
  readonly memberId = 22n;
  readonly term = 3;
  readonly clock: Clock;
  revision = 100;
  readonly watchers: FakeWatcher[] = [];
  stop: (error: Error | undefined) => void = () => {};
  readonly stopped: Promise<Error | undefined>;
  range: MemberPorts['range'] = notScripted;
  rangePage: MemberPorts['rangePage'] = notScripted;
  put: MemberPorts['put'] = notScripted;
  delete: MemberPorts['delete'] = notScripted;
  txn: MemberPorts['txn'] = notScripted;
  compact: MemberPorts['compact'] = notScripted;
  leaseGrant: MemberPorts['leaseGrant'] = notScripted;
  leaseRevoke: MemberPorts['leaseRevoke'] = notScripted;
  leaseKeepAlive: MemberPorts['leaseKeepAlive'] = notScripted;
  leaseTimeToLive: MemberPorts['leaseTimeToLive'] = notScripted;
  leases: MemberPorts['leases'] = notScripted;
  members: MemberPorts['members'] = notScripted;
  memberAdd: MemberPorts['memberAdd'] = notScripted;
  memberRemove: MemberPorts['memberRemove'] = notScripted;
  memberUpdate: MemberPorts['memberUpdate'] = notScripted;
  memberPromote: MemberPorts['memberPromote'] = notScripted;
  moveLeader: MemberPorts['moveLeader'] = notScripted;
  hashKv: MemberPorts['hashKv'] = notScripted;
  hash: MemberPorts['hash'] = notScripted;
  defragment: MemberPorts['defragment'] = notScripted;
  downgrade: MemberPorts['downgrade'] = notScripted;
  alarm: MemberPorts['alarm'] = notScripted;
  snapshot: MemberPorts['snapshot'] = () => {
    throw new Error('the test does not say what this answers');
  };
  auth: MemberPorts['auth'] = {
    status: notScripted,
    authenticate: notScripted,
    change: notScripted,
    userRoles: notScripted,
    users: notScripted,
    permissions: notScripted,
    roles: notScripted,
  };
  /** What calls said of who made them. */
  readonly credentials: CallerCredentials[] = [];
  /** Everybody is taken for the member's own, where a test does not say otherwise. */
  callers: ServedMember['callers'] = {
    of: (credentials) => {
      this.credentials.push(credentials);
      return this;
    },
  };
  leader: bigint | undefined = 22n;
  isLearner = false;
  readonly #leadership = new Set<(hasLeader: boolean) => void>();

  constructor(clock: Clock = new ManualClock()) {
    this.clock = clock;
    this.stopped = new Promise((resolve) => (this.stop = resolve));
  }

  status(): ReturnType<MemberPorts['status']> {
    const { leader, term, isLearner } = this;
    return {
      leader,
      term,
      isLearner,
      raftIndex: 60,
      appliedIndex: 50,
      sizeBytes: 20_480,
      usedBytes: 8_192,
      quotaBytes: 65_536,
      errors: [],
      alarms: [],
    };
  }

  onLeadership(callback: (hasLeader: boolean) => void): () => void {
    this.#leadership.add(callback);
    return () => void this.#leadership.delete(callback);
  }

  get leadershipListenerCount(): number {
    return this.#leadership.size;
  }

  /** Another leader, or none. */
  follow(leader: bigint | undefined): void {
    this.leader = leader;
    for (const callback of this.#leadership) callback(leader !== undefined);
  }

  watch(request: WatchRequest & { readonly target: KeyRange }, onReady: () => void): FakeWatcher {
    const startRevision = request.from ?? this.revision + 1;
    const watcher = new FakeWatcher(request, onReady, this.revision, startRevision);
    this.watchers.push(watcher);
    return watcher;
  }
}

/** A member as the cluster knows it. */
export function clusterMember(id: bigint, part: Partial<ClusterMember> = {}): ClusterMember {
  const [peer, client] = [2380n + 10n * id, 2379n + 10n * id];
  return {
    id,
    name: `m${id}`,
    peerUrls: [`http://127.0.0.1:${peer}`],
    clientUrls: [`http://127.0.0.1:${client}`],
    isLearner: false,
    ...part,
  };
}

/** A view of a state that is the bytes a test gives, and counts what is taken of it. */
export class FakeSnapshot implements PortSnapshot {
  takenCount = 0;
  isClosed = false;

  constructor(
    private readonly parts: Iterable<Uint8Array>,
    readonly sizeBytes: number,
  ) {}

  async *chunks(): AsyncGenerator<Uint8Array> {
    for (const part of this.parts) {
      this.takenCount += 1;
      yield part;
    }
  }

  close(): void {
    this.isClosed = true;
  }
}
