/** What bounds the gateway. Times are in milliseconds. */
export interface GatewayLimits {
  /** Calls and streams under way; one more is refused. */
  readonly callsMax: number;
  /** Bytes of requests that are arriving, all together. */
  readonly bodiesBytesMax: number;
  /** Objects and arrays within each other. */
  readonly depthMax: number;
  /** How long the body of a request may take to arrive; a stream of requests has no such limit. */
  readonly bodyMs: number;
  /** How long a client may take nothing of its answer before it loses it. */
  readonly stallMs: number;
  /** How long the rest of a request is read that is answered already, before its connection is closed. */
  readonly discardMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  callsMax: 10_000,
  bodiesBytesMax: 256 * 2 ** 20,
  depthMax: 200,
  bodyMs: 30_000,
  stallMs: 60_000,
  discardMs: 5_000,
};
