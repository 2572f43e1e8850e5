import { join } from 'node:path';
import { InvalidArgumentError } from '../base/errors.js';
import type { ServerTls } from '../rpc/grpc-carrier.js';
import { type TlsFiles, TlsMaterial } from '../tls/tls-material.js';
import { type ClientPlace, isSocket } from './addresses.js';
import type { Surroundings } from './assemble.js';
import { selfSignedIn } from './auto-tls.js';

/** TLS towards clients. Each of its files may be a path, and is then read again when it changes. */
export interface ClientTls extends TlsFiles {
  /**
   * Whether the common name of a client's certificate is the name of a user, where authentication is enabled and it gave
   * no token. It needs `ca`. With `ca`, a certificate is required in any case. Default: false.
   */
  readonly clientCertAuth?: boolean;
}

/** What of a member's options is about TLS towards clients. */
export interface ClientTlsOptions {
  /** Certificates for `https://` and `unixs://` addresses, and for those in `listen` that are no texts. */
  readonly clientTls?: ClientTls;
  /** Makes such a certificate, signed by itself, and keeps it in the data folder. What is given in `clientTls` goes before it. */
  readonly autoTls?: boolean;
  /** How long certificates are valid that a member makes for itself. Default: 1. */
  readonly selfSignedCertValidityYears?: number;
}

/** Whether there will be certificates. */
export function hasClientTls({ clientTls, autoTls }: ClientTlsOptions): boolean {
  return clientTls !== undefined || autoTls === true;
}

/**
 * How to speak TLS with clients at these places.
 *
 * @param dataDir - where certificates that it makes are kept; absent: in memory
 * @returns undefined if no place wants TLS
 * @throws {@link InvalidArgumentError} naming what is missing, cannot be read, or does not fit the rest
 */
export async function clientTlsOf(
  options: ClientTlsOptions,
  places: readonly ClientPlace[],
  { clock, logger }: Pick<Surroundings, 'clock' | 'logger'>,
  dataDir: string | undefined,
): Promise<ServerTls | undefined> {
  const { clientTls, autoTls = false, selfSignedCertValidityYears: validityYears = 1 } = options;
  const { cert, ca, clientCertAuth = false } = clientTls ?? {};
  if (!places.some(({ isSecure }) => isSecure)) {
    if (hasClientTls(options)) logger.warn({}, 'certificates for clients have no effect: no address is https or unixs');
    return undefined;
  }
  if (cert === undefined && !autoTls) {
    const field = clientTls === undefined ? 'clientTls' : 'clientTls.cert';
    throw new InvalidArgumentError(field, undefined, 'given, for an address that is https or unixs');
  }
  if (clientCertAuth && ca === undefined) {
    throw new InvalidArgumentError('clientTls.ca', undefined, 'given with clientTls.clientCertAuth');
  }
  const hosts = places.flatMap(({ at }) => (isSocket(at) ? [] : [at.host]));
  const folder = dataDir === undefined ? undefined : join(dataDir, 'fixtures', 'client');
  const own = cert === undefined ? await selfSignedIn(folder, { hosts, validityYears, logger }) : {};
  const material = new TlsMaterial({ ...clientTls, ...own }, { field: 'clientTls', clock, logger });
  return { material, requireClientCert: ca !== undefined, namesUsers: clientCertAuth };
}
