import type { Logger } from '../base/logger.js';
import type { PeerTls } from '../peer/types.js';
import type { TlsFiles } from '../tls/tls-material.js';
import { makeOwnCertificate } from './auto-tls.js';
import type { ClusterOptions } from './cluster-options.js';

/** Which TLS is spoken where the certificates are a member's own. */
export type PeerAutoTls = boolean | Pick<TlsFiles, 'cipherSuites' | 'minVersion' | 'maxVersion'>;

/** What of a member's options is about certificates that it makes for itself towards other members. */
export interface PeerAutoTlsOptions {
  /**
   * Makes a certificate for peers whose addresses begin with `https`, a new one with each start, and takes any of theirs: what
   * members say to each other is encrypted, but whoever reaches the port can take part. Every member needs it. Where `peerTls`
   * is given it has no effect.
   */
  readonly peerAutoTls?: PeerAutoTls;
  readonly selfSignedCertValidityYears?: number;
}

/**
 * The certificates with which to speak to other members: those that are given, or of its own making.
 *
 * @returns undefined if no address wants any
 * @throws {@link InvalidArgumentError} if the validity of its own is not 1 to 100 years
 */
export async function peerTlsOf(
  options: Pick<ClusterOptions, 'name' | 'peers' | 'peerTls' | 'advertisePeers' | 'listenPeers'> & PeerAutoTlsOptions,
  logger: Logger,
): Promise<PeerTls | undefined> {
  const { peerTls, peerAutoTls = false, selfSignedCertValidityYears: validityYears = 1 } = options;
  if (peerAutoTls === false) return peerTls;
  const hosts = secureHosts(options);
  if (peerTls !== undefined || hosts.length === 0) {
    const why = peerTls === undefined ? 'no address of a member is https' : 'certificates for members are given';
    logger.warn({}, `peerAutoTls has no effect: ${why}`);
    return peerTls;
  }
  logger.warn(
    { hosts },
    'TLS between members with certificates that nobody vouches for: whoever reaches them can take part',
  );
  const own = await makeOwnCertificate(hosts, validityYears);
  return { ...(peerAutoTls === true ? {} : peerAutoTls), ...own, requireClientCert: false, insecureSkipVerify: true };
}

/** Of all members: one that joins may know of no address of its own but where the others are. */
function secureHosts({ peers = {}, advertisePeers = [], listenPeers = [] }: ClusterOptions): readonly string[] {
  const urls = [...Object.values(peers), advertisePeers, listenPeers].flat();
  const hosts = urls.flatMap((url) =>
    typeof url === 'string' && url.startsWith('https:') && URL.canParse(url)
      ? [new URL(url).hostname.replace(/^\[|\]$/g, '')]
      : [],
  );
  return [...new Set(hosts)];
}
