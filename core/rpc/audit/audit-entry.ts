/** What is told of a change that somebody asked for. */

/**
 * Bytes as they stand in an entry: their text; where that is no UTF-8, or longer than 256 bytes, how many there are and the
 * first of them.
 */
export type AuditedBytes = string | { readonly base64: string; readonly bytes: number };

/** A key, or a range of them, that a change is about. Values are never told. */
export interface AuditedKey {
  readonly op: 'put' | 'delete';
  readonly key: AuditedBytes;
  /** The end of a range, as it was asked for. */
  readonly end?: AuditedBytes;
  /** By which lease the key is to live. */
  readonly lease?: string;
}

/** What a change was about, beside keys. Never a password, a token or a value. */
export type AuditedFacts = Readonly<Record<string, AuditedBytes | number | boolean | readonly AuditedBytes[]>>;

/** What a change was about. */
export interface Change {
  readonly keys?: readonly AuditedKey[];
  /** Keys that are not told, because there are too many. */
  readonly keysLeftOut?: number;
  readonly facts?: AuditedFacts;
}

/** One call that asked for a change. */
export interface AuditEntry extends Change {
  /** When the call came, by this machine's clock: ISO 8601, UTC. */
  readonly time: string;
  /** Such as `etcdserverpb.KV/Put`; the same over HTTP. */
  readonly method: string;
  /** From where: an address and a port. */
  readonly peer: string;
  /** As whom. Absent: nobody was asked who they are, or it could not be found out. */
  readonly user?: string;
  /** The common name of the certificate with which the connection proved itself, where it names users. */
  readonly commonName?: string;
  /** Which member took the call: its id as `member list` has it. */
  readonly member: string;
  readonly durationMs: number;
  /** The store's revision with the change, where the answer tells it. */
  readonly revision?: number;
  /**
   * Why it was refused; of the table in the manual. With `OUTCOME_UNKNOWN` and `TIMEOUT` the change may have been made all the
   * same.
   */
  readonly code?: string;
}

/** Where entries go. */
export interface AuditSink {
  /** Takes an entry, at once; it throws nothing and waits for nothing. */
  record(entry: AuditEntry): void;
}
