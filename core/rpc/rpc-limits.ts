/** What a server may be told. Times are in milliseconds. */
export interface RpcLimits {
  /** Connections at one time; one more is closed at once. */
  readonly connectionsMax: number;
  /** Until it is known what a new connection speaks; TLS's greeting, which has as long again, not included. */
  readonly firstBytesMs: number;
  /** How long TLS's greeting may take. */
  readonly greetingMs: number;
  /** Greetings of TLS that are under way; a connection that begins one more is closed. */
  readonly greetingsMax: number;
  /** Calls and streams under way on one connection; a client holds back what is over it. */
  readonly streamsPerConnectionMax: number;
  /** Watches of one stream. */
  readonly watchersPerStreamMax: number;
  /**
   * Bytes of events that wait to be sent on one stream; what follows stays in the member. So much of the history is read in
   * one turn for a watcher that is far behind, while everybody else waits.
   */
  readonly streamBufferBytesMax: number;
  /** Renewals of one stream that are under way; past them no more are read. */
  readonly keepAlivesPerStreamMax: number;
  /** Between the progress notifications of an idle watch (etcd: `--watch-progress-notify-interval`). */
  readonly watchProgressNotifyMs: number;
  /** Snapshots that are sent at one time, each of which holds a view of the engine. One more is refused. */
  readonly snapshotsMax: number;
  /** How long a client may take nothing of a snapshot before it loses it, and the view behind it is let go. */
  readonly snapshotStallMs: number;
  /** Ranges that are streamed at one time, each of which holds two messages. One more is refused. */
  readonly rangeStreamsMax: number;
  /** How long a client may take nothing of a range before it loses it. */
  readonly rangeStallMs: number;
  /** Calls that wait for a lock, to lead, or to hear of leaders or of health, at one time, each of those kinds. One more is refused. */
  readonly waitingCallsMax: number;
  /** Streams that ask what services and messages there are, at one time. One more is refused. */
  readonly reflectionStreamsMax: number;
  /** How long no leader may be known before streams of clients that want one end (etcd: three election timeouts). */
  readonly leaderLossMs: number;
  /** Between pings to a client, and how long one may stay unanswered before the connection is closed. */
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How long calls under way may take to end when the server closes. */
  readonly drainMs: number;
}

export const DEFAULT_LIMITS: RpcLimits = {
  connectionsMax: 10_000,
  firstBytesMs: 10_000,
  greetingMs: 10_000,
  greetingsMax: 1_000,
  streamsPerConnectionMax: 10_000,
  watchersPerStreamMax: 100_000,
  streamBufferBytesMax: 128 * 1024,
  keepAlivesPerStreamMax: 1_000,
  watchProgressNotifyMs: 600_000,
  snapshotsMax: 4,
  snapshotStallMs: 60_000,
  rangeStreamsMax: 256,
  rangeStallMs: 60_000,
  waitingCallsMax: 10_000,
  reflectionStreamsMax: 256,
  leaderLossMs: 3_000,
  keepAliveMs: 60_000,
  keepAliveTimeoutMs: 20_000,
  drainMs: 5_000,
};
