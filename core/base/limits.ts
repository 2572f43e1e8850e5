/** Limits that the protocol, not the operator, sets. What an operator may turn is in `core/server/settings.ts`. */
export const LIMITS = {
  /** Compares, or operations of one branch, in one transaction (etcd: `--max-txn-ops`). */
  txnOperations: 128,
  /** Bytes of one command: 1.5 MiB (etcd: `--max-request-bytes`). */
  requestBytes: 1_572_864,
  /** Seconds of a lease's TTL (etcd: 9,000,000,000). */
  leaseTtlMaxSeconds: 9_000_000_000,
  /** Bytes of a namespace's prefix: as long as a key may be that rights are given on. */
  namespaceBytes: 4_096,
  /** Bytes of a user's or a role's name. */
  authNameBytes: 256,
  /** Bytes of a password: much longer ones only cost time. */
  authPasswordBytes: 1_024,
  /** Users, and roles, of a cluster. */
  authUsers: 10_000,
  authRoles: 10_000,
  /** Keys and ranges of one role. */
  authPermissionsPerRole: 1_000,
  /** Bytes of a key, or of the end of a range, in a permission. */
  authPermissionKeyBytes: 4_096,
} as const;
