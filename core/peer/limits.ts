/** What bounds the transport between members. Times are in milliseconds of the clock. */
export interface PeerLimits {
  /** The largest frame, sent or received; what one `send` gives beyond it is cut into several. */
  readonly frameBytesMax: number;
  /** Bytes that wait to leave for one member, in our memory or the socket's; what does not fit is dropped. */
  readonly queueBytesMax: number;
  /** Frames that wait to leave for one member. */
  readonly queueFramesMax: number;
  /** How long a new connection may take until both ends have greeted, TLS included. */
  readonly greetingTimeoutMs: number;
  /** The first frame of a connection, before it is known who sends it. */
  readonly greetingBytesMax: number;
  /** Incoming connections at one time of which it is not known yet who they are; one more is closed at once. */
  readonly strangersMax: number;
  /** Nothing was written for so long: a keep-alive is. */
  readonly keepAliveMs: number;
  /** Nothing came for so long: the connection is taken for dead. A multiple of `keepAliveMs`. */
  readonly idleTimeoutMs: number;
  /** Between attempts to connect: the first wait, which doubles, and the longest. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Of all snapshots that are being sent, together. */
  readonly snapshotBytesPerSecond: number;
  /** Snapshots under way at one time, in either direction. */
  readonly snapshotsMax: number;
  /** The longest that a snapshot may stand still because of the other end. */
  readonly snapshotStallMs: number;
  /** How long `close` waits for what was sent to leave. */
  readonly drainMs: number;
}

export const DEFAULT_PEER_LIMITS: PeerLimits = {
  frameBytesMax: 16 * 1024 * 1024,
  queueBytesMax: 32 * 1024 * 1024,
  queueFramesMax: 4_096,
  greetingTimeoutMs: 2_000,
  greetingBytesMax: 4_096,
  strangersMax: 64,
  keepAliveMs: 500,
  idleTimeoutMs: 2_000,
  backoffMinMs: 25,
  backoffMaxMs: 1_000,
  snapshotBytesPerSecond: 64 * 1024 * 1024,
  snapshotsMax: 4,
  snapshotStallMs: 60_000,
  drainMs: 500,
};
