/** What an operator may turn in a member. `core/server/settings.ts` has the defaults, and those of the other rooms. */
export interface MemberSettings {
  /** Bytes of one encoded command (etcd: `--max-request-bytes`). */
  readonly requestBytesMax: number;
  /** Bytes in use above which nothing is taken that needs more (etcd: `--quota-backend-bytes`); below 0: no limit. */
  readonly quotaBackendBytes: number;
  /** Writes that were proposed and are not yet answered. One more is refused with {@link TooManyRequestsError}. */
  readonly proposalsMax: number;
  /** Reads that wait to be confirmed. One more is refused with {@link TooManyRequestsError}. */
  readonly readsMax: number;
  /** Milliseconds between a leader's heartbeats, and of one tick of raft. */
  readonly heartbeatMs: number;
  /** Milliseconds after which followers miss a leader. A new leader extends every lease by it. */
  readonly electionTimeoutMs: number;
  /** Milliseconds that a request may take, beside two election timeouts (etcd: 5 s). */
  readonly requestTimeoutMs: number;
  /** Milliseconds after which a read whose confirmation has not come is asked for again. */
  readonly readRetryMs: number;
  /** Milliseconds of one append to the log above which it is reported. */
  readonly slowSyncMs: number;
  /** Members that may be learners at one time (etcd: `--max-learners`). */
  readonly learnersMax: number;
  /** Entries that a learner may lack of the leader's log and still count as caught up. */
  readonly promoteLagEntries: number;
  /** Milliseconds for which a member must have been in touch before it counts as healthy, or is promoted. */
  readonly healthyAfterMs: number;
  /** Snapshots that are sent to followers at one time. */
  readonly snapshotsSentMax: number;
  /** Seconds below which a lease's TTL is raised to them: etcd's ceil(1.5 × election timeout). */
  readonly leaseTtlMinSeconds: number;
  /** Seconds above which a lease's TTL is refused with {@link LeaseTtlTooLargeError}. */
  readonly leaseTtlMaxSeconds: number;
  /** Milliseconds between two looks for leases that have expired. */
  readonly leaseScanMs: number;
  /** Expired leases whose revocation is proposed at once, at most; the next ones are when those are revoked. */
  readonly leaseRevokesPerScan: number;
  /** Compacted records that are freed between two turns of the event loop. */
  readonly scrubRecordsPerStep: number;
  /** Applied log entries after which older ones are let go of; between one and two times as many are kept. */
  readonly logKeptEntries: number;
  /** Bytes of applied log entries after which older ones are let go of; between one and two times as many are kept. */
  readonly logKeptBytes: number;
  /**
   * Bytes of memory for which more than that is kept, at most, for followers that were sent a snapshot, until they have
   * caught up. Beyond, they need another snapshot.
   */
  readonly logHeldBytesMax: number;
  /** Seconds for which a token is good after it was last used (etcd: `--auth-token-ttl`). */
  readonly authTokenTtlSeconds: number;
  /** Tokens that a member takes at one time, of all users and of one; past it those unused the longest are forgotten. */
  readonly authTokensMax: number;
  readonly authTokensPerUserMax: number;
  /** The cost of hashing a password: the logarithm, base 2, of scrypt's N. One more doubles time and memory. */
  readonly authPasswordCost: number;
  /** Passwords that are hashed or checked at one time; each takes a thread of those that also write files. */
  readonly authPasswordsAtOnce: number;
  /** Calls that wait to have a password hashed or checked. One more is refused with {@link TooManyRequestsError}. */
  readonly authPasswordsWaitingMax: number;
}
