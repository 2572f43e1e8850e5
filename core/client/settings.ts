import type { Clock } from '../base/clock.js';
import { InvalidArgumentError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import type { Origin } from '../base/origin.js';
import type { Prng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { systemPrng } from '../base/system-prng.js';
import { AuthSession, type Identity } from './auth-session.js';
import type { TlsFiles } from '../tls/tls-material.js';
import type { OpenChannel } from './channel.js';

/**
 * TLS towards an endpoint: paths of PEM files, or their bytes. Without `ca` the authorities that Node knows are believed;
 * without `cert` and `key` no certificate is shown. Files that change are read again for new connections.
 */
export interface TlsOptions extends TlsFiles {
  /** The name the server's certificate must bear, if not the endpoint's host. */
  readonly serverName?: string;
  /** Believes any certificate: what is said is encrypted, to nobody knows whom. For trying things out. */
  readonly insecureSkipVerify?: boolean;
}

/** Where one member of etcd, or of Conclave, listens for clients. */
export interface EndpointAddress {
  readonly host: string;
  readonly port: number;
  /** A unix socket, in place of host and port. */
  readonly path?: string;
  readonly tls?: boolean | TlsOptions;
}

/** An address as one text. */
export function nameOf({ host, port, path }: EndpointAddress): string {
  if (path !== undefined) return `unix:${path}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What a client may be told; each has a default that suits a cluster in one region. Times are in milliseconds. */
export interface ClientOptions extends Partial<ClientLimits>, Identity {
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Whom recipes name as the writer of their keys. Default: this process. */
  readonly origin?: Origin;
  /** Chance, for ids and jitter, and for the endpoint to begin with. Default: the operating system's. */
  readonly prng?: Prng;
}

/** Every bound and pause of a client, with its unit in its name. */
export interface ClientLimits {
  /** How long a call waits for some endpoint to be reachable before it fails as unavailable, having sent nothing. */
  readonly dialTimeoutMs: number;
  /** How long one endpoint may take to connect. */
  readonly connectTimeoutMs: number;
  /** How long one endpoint may take to connect before another one is tried beside it. */
  readonly connectStaggerMs: number;
  /** How long one call waits for its answer. */
  readonly requestTimeoutMs: number;
  /** How long an answer may be owed before another endpoint is asked whether it answers sooner; up to half as much more. */
  readonly suspectMs: number;
  /**
   * How long the endpoint in use then has to answer the same question, if another one answered it. Three times as long
   * as that one took, if that is longer: so a cluster that is slow all over makes nobody move.
   */
  readonly secondOpinionMs: number;
  /** How long a write is still waited for once its endpoint was left as silent, or the cluster has another leader. */
  readonly abandonedWriteMs: number;
  /** How often a call that is safe to repeat is repeated. */
  readonly retriesMax: number;
  /** How long after its beginning such a call is still repeated. */
  readonly retryTimeoutMs: number;
  /** The first pause before a repetition or a reconnection; each further one doubles, with jitter. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** Time between HTTP/2 pings on a connection in use. etcd refuses less than 5 seconds. */
  readonly keepAliveMs: number;
  /** How long a ping may stay unanswered. */
  readonly keepAliveTimeoutMs: number;
  /** Calls under way at one time. */
  readonly pendingCallsMax: number;
  /** Watches open at one time. */
  readonly watchersMax: number;
  /**
   * Watchers of the same keys, with the same options, that share one watch of the server at most. 1: each has its own.
   * More spare the server work where many in one process watch the same, and make resuming after a lost stream shorter.
   */
  readonly watchSharersMax: number;
  /** Events that one watch holds for its reader; past it the watch is let go, and resumed once the reader caught up. */
  readonly watchBufferEventsMax: number;
  /** Bytes of keys and values that one watch holds for its reader. */
  readonly watchBufferBytesMax: number;
  /** Watches that are asked for at one time: what a lost stream carried is taken up at the pace of the server's answers. */
  readonly watchCreationsMax: number;
  /**
   * How long the watch stream may be silent before the server is asked whether it still listens. Default: a second, and 5
   * where there is no other endpoint to go to, now or later.
   */
  readonly watchIdleMs: number;
  /** How long it may take to answer that, or anything else on the watch stream, before the stream is given up. */
  readonly watchAckTimeoutMs: number;
  /**
   * How often the cluster is asked where its members serve clients, beginning at once: from then on those are connected to,
   * so that the client outlives the members that it was told of. 0, the default: never. It is off because the addresses that
   * members tell (`--advertise-client-urls`) have to be of use from here, which they need not be through a load balancer, a
   * container's ports or a tunnel.
   */
  readonly autoSyncIntervalMs: number;
}

/** What is not for users: how a client reaches its endpoints, where that is not over the network. */
export interface InternalOptions {
  readonly openChannel?: OpenChannel | undefined;
}

/** What a client goes by: its limits, complete, and what it meets in the world. */
export interface ClientSettings extends ClientLimits, InternalOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly prng: Prng;
  readonly origin?: Origin | undefined;
  /** Whom the client speaks for, if it says so. */
  readonly session?: AuthSession | undefined;
}

/** A request that etcd forwards may take it 7 seconds to give up; by then it has named the reason. */
const DEFAULT_LIMITS: ClientLimits = {
  dialTimeoutMs: 5_000,
  connectTimeoutMs: 2_000,
  connectStaggerMs: 250,
  requestTimeoutMs: 5_000,
  suspectMs: 300,
  secondOpinionMs: 200,
  abandonedWriteMs: 500,
  retriesMax: 12,
  retryTimeoutMs: 15_000,
  backoffMs: 25,
  backoffMaxMs: 1_000,
  keepAliveMs: 10_000,
  keepAliveTimeoutMs: 5_000,
  pendingCallsMax: 10_000,
  watchersMax: 10_000,
  watchSharersMax: 1,
  watchBufferEventsMax: 10_000,
  watchBufferBytesMax: 16 * 1024 * 1024,
  watchCreationsMax: 128,
  watchIdleMs: 1_000,
  watchAckTimeoutMs: 5_000,
  autoSyncIntervalMs: 0,
};

/** Each limit's least value; 1 where none is named. */
const LEAST: Partial<Record<keyof ClientLimits, number>> = { retriesMax: 0, autoSyncIntervalMs: 0 };

/** To whom there is one endpoint alone, to notice early that it hangs is of no use. */
const LONE_WATCH_IDLE_MS = 5_000;

/** @throws {@link InvalidArgumentError} if a limit is not a whole number of at least 1 (0 where that means never) */
export function clientSettings(options: ClientOptions & InternalOptions, endpointCount = 1): ClientSettings {
  const { clock = systemClock, logger = silentLogger, prng = systemPrng, origin, openChannel, ...others } = options;
  const { user, password, token, ...limits } = others;
  const isAlone = endpointCount === 1 && (limits.autoSyncIntervalMs ?? 0) === 0;
  const lone = isAlone ? { watchIdleMs: LONE_WATCH_IDLE_MS } : {};
  const settings = { ...DEFAULT_LIMITS, ...lone, ...limits };
  for (const field of Object.keys(DEFAULT_LIMITS) as (keyof ClientLimits)[]) {
    const least = LEAST[field] ?? 1;
    if (!Number.isSafeInteger(settings[field]) || settings[field] < least) {
      throw new InvalidArgumentError(field, settings[field], `a whole number of at least ${least}`);
    }
  }
  const session = AuthSession.of({ user, password, token });
  return { clock, logger, prng, origin, openChannel, session, ...settings };
}

/**
 * The pause before the nth repetition: doubling from `backoffMs` to `backoffMaxMs`, and between half and all of that,
 * so that clients which failed together do not return together.
 */
export function backoffMs(settings: ClientSettings, failures: number): number {
  const full = Math.min(settings.backoffMaxMs, settings.backoffMs * 2 ** Math.min(failures - 1, 30));
  return full * (0.5 + settings.prng.next() / 2);
}
