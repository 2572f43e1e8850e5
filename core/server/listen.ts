import type { Logger } from '../base/logger.js';
import type { Member } from '../member/member.js';
import type { ServeOptions, ServerTls } from '../rpc/grpc-carrier.js';
import type { HttpAccess } from '../rpc/http/access.js';
import { type ClientPlace, isSocket, type ListenClientsAt, placeUrl, toClientPlaces } from './addresses.js';
import type { Surroundings } from './assemble.js';
import { type AuditLogOptions, checkAuditLog, openAuditLog } from './audit-log.js';
import { type ClientTlsOptions, clientTlsOf, hasClientTls } from './client-tls.js';
import type { Closers } from './closers.js';
import { type HttpAccessOptions, httpAccessOf } from './http-access.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);

/** Election timeouts without a leader after which streams of clients that want one end (etcd: the same). */
const LEADER_LOSS_TIMEOUTS = 3;

/** Where and how clients are served. */
export interface ListenOptions extends ClientTlsOptions, HttpAccessOptions, AuditLogOptions {
  /**
   * Where to serve etcd's protocol, if at all: `'http://127.0.0.1:2379'`, `'https://[::1]:2379'`, `'unix:///run/c.sock'`
   * or `{ host, port }`; port 0 picks a free one.
   */
  readonly listen?: ListenClientsAt;
  /** Where to serve what is not gRPC. `listen` then serves gRPC alone. Default: both on `listen`. */
  readonly listenHttp?: ListenClientsAt;
}

/** Where clients will be served, and with which certificates: known, and found right, before the member starts. */
export interface Listening {
  readonly places: readonly ClientPlace[];
  readonly httpPlaces: readonly ClientPlace[];
  readonly access: HttpAccess;
}

/** @throws {@link InvalidArgumentError} if an address is of none of the forms, or somebody who may ask is nobody */
export function listeningOf(options: ListenOptions): Listening {
  const { listen: at = [], listenHttp = [] } = options;
  const hasTls = hasClientTls(options);
  const places = toClientPlaces(at, 'listen', hasTls);
  const httpPlaces = toClientPlaces(listenHttp, 'listenHttp', hasTls);
  checkAuditLog(options, places.length > 0);
  return { places, httpPlaces, access: httpAccessOf(options) };
}

/**
 * Serves etcd's protocol for a member.
 *
 * @param dataDir - where certificates that it makes are kept
 * @returns where clients reach it over gRPC
 * @throws {@link InvalidArgumentError} if certificates are missing or do not fit, or there is no writing to the audit log
 * @throws the operating system's error if an address cannot be listened on, such as one in use
 */
export async function listen(
  member: Member,
  { places, httpPlaces, access }: Listening,
  options: ListenOptions,
  surroundings: Surroundings,
  closers: Closers,
  dataDir: string | undefined,
): Promise<readonly string[]> {
  const { platform, logger, settings } = surroundings;
  const tls = await clientTlsOf(options, [...places, ...httpPlaces], surroundings, dataDir);
  const common = {
    member,
    logger,
    audit: await openAuditLog(options, surroundings, closers),
    ...(await platform.clientFace?.(member, settings, access)),
    maxRequestBytes: settings.requestBytesMax,
    limits: { leaderLossMs: LEADER_LOSS_TIMEOUTS * settings.electionTimeoutMs },
  };
  const serve = async (place: ClientPlace, serves: ServeOptions['serves']) => {
    const { at, isSecure } = place;
    const where = isSocket(at) ? { host: '', port: 0, socketFile: at } : at;
    const server = await platform.serve({ ...common, ...where, serves, tls: isSecure ? tls : undefined });
    closers.add(() => server.close());
    return placeUrl(place, server.port);
  };
  warnOfOpenPlaces(member, [...places, ...httpPlaces], tls, logger);
  const urls: string[] = [];
  for (const place of places) urls.push(await serve(place, httpPlaces.length > 0 ? 'grpc' : 'both'));
  for (const place of httpPlaces) await serve(place, 'http');
  return urls;
}

/** Where neither a certificate nor a user is asked for, an address is all that is needed. */
function warnOfOpenPlaces(
  member: Member,
  places: readonly ClientPlace[],
  tls: ServerTls | undefined,
  logger: Logger,
): void {
  if (member.auth.isEnabledHere) return;
  for (const { at, isSecure } of places) {
    const isOpen = !isSocket(at) && !LOOPBACK.has(at.host) && !(isSecure && tls?.requireClientCert === true);
    if (isOpen) logger.warn({ ...at }, 'whoever reaches this address can read and change everything');
  }
}
