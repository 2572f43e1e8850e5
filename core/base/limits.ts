/** Limits that the protocol, not the operator, sets. What an operator may turn is in `core/server/settings.ts`. */
export const LIMITS = {
  /** Compares, or operations of one branch, in one transaction (etcd: `--max-txn-ops`). */
  txnOperations: 128,
  /** Bytes of one command: 1.5 MiB (etcd: `--max-request-bytes`). */
  requestBytes: 1_572_864,
  /** Seconds of a lease's TTL (etcd: 9,000,000,000). */
  leaseTtlMaxSeconds: 9_000_000_000,
} as const;
