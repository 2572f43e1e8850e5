import { InvalidArgumentError } from '../base/errors.js';
import { parseGoDuration } from '../base/go-duration.js';
import type { StartOptions, Where } from '../server/start-member.js';
import type { TlsVersion } from '../tls/tls-material.js';
import { type InitialPeers, parseInitialCluster } from './initial-cluster.js';
import { FALLBACKS, type ServeFlags } from './serve-flags.js';

/** What a member is started with. */
export interface Start {
  readonly where: Where;
  readonly options: StartOptions;
}

const MS_PER_HOUR = 3_600_000;

/** Flags of a member that others can reach, which one in memory cannot be: it would forget its votes. */
const OF_CLUSTERS = [
  'initial-cluster',
  'initial-advertise-peer-urls',
  'listen-peer-urls',
  'initial-cluster-state',
  'force-new-cluster',
] as const;

/** Addresses that mean every address of a machine, and so lead nobody to it. */
const UNSPECIFIED = /^https?:\/\/(?:0\.0\.0\.0|\[::\])(?::|\/|$)/;

/**
 * What the flags come to. What the member itself refuses is not refused here, see {@link inFlagWords}.
 *
 * @throws {@link InvalidArgumentError} naming the flag that contradicts another
 */
export function toStart(flags: ServeFlags): Start {
  const where = placeOf(flags);
  refuseUnreachable(flags);
  const peers = initialCluster(flags);
  const peerTls = peerCertificates(flags);
  const clientTls = clientCertificates(flags);
  const autoCompaction = compaction(flags);
  return {
    where,
    options: definedOnly({
      listen: flags['listen-client-urls'] ?? [FALLBACKS.listenClientUrl],
      listenHttp: flags['listen-client-http-urls'],
      clientTls,
      autoTls: flags['auto-tls'],
      selfSignedCertValidityYears: flags['self-signed-cert-validity'],
      cors: flags.cors,
      hostWhitelist: flags['host-whitelist'],
      authToken: flags['auth-token'],
      authTokenTtlSeconds: flags['auth-token-ttl'],
      advertiseClients: flags['advertise-client-urls'],
      name: flags.name,
      peers,
      initialState: flags['initial-cluster-state'],
      token: flags['initial-cluster-token'],
      listenPeers: flags['listen-peer-urls'],
      advertisePeers: flags['initial-advertise-peer-urls'],
      forceNewCluster: flags['force-new-cluster'],
      autoPromote: flags['auto-promote'],
      strictReconfigCheck: flags['strict-reconfig-check'],
      peerTls,
      peerAutoTls: peerAutoTls(flags),
      autoCompaction,
      heartbeatMs: flags['heartbeat-interval'],
      electionTimeoutMs: flags['election-timeout'],
      logKeptEntries: flags['snapshot-catchup-entries'],
      learnersMax: flags['max-learners'],
      requestBytesMax: flags['max-request-bytes'],
      quotaBackendBytes: flags['quota-backend-bytes'],
      rateLimits: flags['rate-limit'],
      prefixQuotas: flags['prefix-quota'],
      auditLog: flags['audit-log'],
    }),
  };
}

/** The flags behind the options of a member. */
const FLAG_OF_OPTION: Readonly<Record<string, string>> = {
  dataDir: '--data-dir',
  memory: '--memory',
  listen: '--listen-client-urls',
  listenHttp: '--listen-client-http-urls',
  clientTls: '--cert-file',
  'clientTls.cert': '--cert-file',
  'clientTls.key': '--key-file',
  'clientTls.ca': '--trusted-ca-file',
  'clientTls.crl': '--client-crl-file',
  'clientTls.clientCertAuth': '--client-cert-auth',
  'clientTls.cipherSuites': '--cipher-suites',
  'clientTls.minVersion': '--tls-min-version',
  autoTls: '--auto-tls',
  selfSignedCertValidityYears: '--self-signed-cert-validity',
  cors: '--cors',
  hostWhitelist: '--host-whitelist',
  authToken: '--auth-token',
  authTokenTtlSeconds: '--auth-token-ttl',
  advertiseClients: '--advertise-client-urls',
  name: '--name',
  peers: '--initial-cluster',
  initialState: '--initial-cluster-state',
  token: '--initial-cluster-token',
  listenPeers: '--listen-peer-urls',
  advertisePeers: '--initial-advertise-peer-urls',
  forceNewCluster: '--force-new-cluster',
  peerAutoTls: '--peer-auto-tls',
  peerTls: '--peer-cert-file',
  'peerTls.cert': '--peer-cert-file',
  'peerTls.key': '--peer-key-file',
  'peerTls.ca': '--peer-trusted-ca-file',
  'peerTls.crl': '--peer-crl-file',
  'peerTls.cipherSuites': '--cipher-suites',
  'peerTls.minVersion': '--tls-min-version',
  autoCompaction: '--auto-compaction-retention',
  heartbeatMs: '--heartbeat-interval',
  electionTimeoutMs: '--election-timeout',
  logKeptEntries: '--snapshot-catchup-entries',
  learnersMax: '--max-learners',
  requestBytesMax: '--max-request-bytes',
  quotaBackendBytes: '--quota-backend-bytes',
  rateLimits: '--rate-limit',
  prefixQuotas: '--prefix-quota',
  auditLog: '--audit-log',
};

/** Options, each one flag, of which an error may be about a part. */
const OF_PARTS = new Set(['peers', 'authToken', 'rateLimits', 'prefixQuotas']);

/** The same error in the words of whoever gave flags, not options. */
export function inFlagWords(error: unknown): unknown {
  if (!(error instanceof InvalidArgumentError)) return error;
  const [option = '', ...rest] = error.field.split(/[. ]/);
  const flag = FLAG_OF_OPTION[error.field] ?? FLAG_OF_OPTION[option];
  if (flag === undefined) return error;
  const field = OF_PARTS.has(option) && rest.length > 0 ? `${flag} (${rest.join('.')})` : flag;
  return new InvalidArgumentError(field, error.value, namesFlags(error.limit));
}

/** Where an option is mentioned in what something must be. */
function namesFlags(limit: string): string {
  return limit
    .replaceAll(/\bpeers(?:\.([\w-]+))?/g, (_, member?: string) =>
      member === undefined ? '--initial-cluster' : `--initial-cluster (${member})`,
    )
    .replaceAll(/\b(?:clientTls|peerTls)\.\w+/g, (option) => FLAG_OF_OPTION[option] ?? option)
    .replaceAll(/\bpeerAutoTls\b/g, '--peer-auto-tls')
    .replaceAll(/\badvertisePeers\b/g, '--initial-advertise-peer-urls')
    .replaceAll(/\blistenPeers\b/g, '--listen-peer-urls');
}

function placeOf(flags: ServeFlags): Where {
  if (!flags.memory) return { dataDir: flags['data-dir'] ?? FALLBACKS.dataDir };
  const other = (['data-dir', ...OF_CLUSTERS] as const).find((name) => flags[name] !== undefined);
  if (other !== undefined) throw new InvalidArgumentError('--memory', true, `left out with --${other}`);
  return { memory: true };
}

function refuseUnreachable(flags: ServeFlags): void {
  const [listen, advertise] = [flags['listen-client-urls'], flags['advertise-client-urls']];
  if (advertise !== undefined && listen === undefined) {
    throw new InvalidArgumentError('--advertise-client-urls', advertise.join(), 'given with --listen-client-urls');
  }
  const everywhere = listen?.find((url) => UNSPECIFIED.test(url));
  const isReached = OF_CLUSTERS.some((name) => flags[name] !== undefined);
  if (everywhere !== undefined && advertise === undefined && isReached) {
    const needed =
      'given when --listen-client-urls is every address of the machine: members tell clients of each other';
    throw new InvalidArgumentError('--advertise-client-urls', undefined, needed);
  }
  const nowhere = advertise?.find((url) => UNSPECIFIED.test(url));
  if (nowhere !== undefined) {
    throw new InvalidArgumentError('--advertise-client-urls', nowhere, 'an address that clients can reach');
  }
}

function initialCluster(flags: ServeFlags): InitialPeers | undefined {
  const text = flags['initial-cluster'];
  if (text !== undefined) return parseInitialCluster(text, '--initial-cluster');
  const own = flags['initial-advertise-peer-urls'];
  // As in etcd, a member that is told of no others is a cluster of one.
  return own && { [flags.name ?? FALLBACKS.name]: own };
}

/** Paths, not bytes: what is in force follows the files. */
function clientCertificates(flags: ServeFlags): StartOptions['clientTls'] {
  const { 'cert-file': cert, 'key-file': key, 'trusted-ca-file': ca, 'client-crl-file': crl } = flags;
  const [minVersion, maxVersion] = [versionOf(flags['tls-min-version']), versionOf(flags['tls-max-version'])];
  const isGiven = [cert, key, ca, crl, flags['client-cert-auth']].some((one) => one !== undefined);
  if (!isGiven && flags['auto-tls'] !== true) return undefined;
  const clientCertAuth = flags['client-cert-auth'];
  return definedOnly({
    cert,
    key,
    ca,
    crl,
    clientCertAuth,
    cipherSuites: flags['cipher-suites'],
    minVersion,
    maxVersion,
  });
}

function versionOf(version: 'TLS1.2' | 'TLS1.3' | undefined): TlsVersion | undefined {
  return version === undefined ? undefined : version === 'TLS1.2' ? 'TLSv1.2' : 'TLSv1.3';
}

function peerCertificates(flags: ServeFlags): StartOptions['peerTls'] {
  const { 'peer-cert-file': cert, 'peer-key-file': key, 'peer-trusted-ca-file': ca, 'peer-crl-file': crl } = flags;
  const { 'peer-cert-allowed-cn': allowedCommonNames, 'peer-cert-allowed-hostname': allowedHostnames } = flags;
  const requireClientCert = flags['peer-client-cert-auth'] ?? false;
  const names = allowedCommonNames ?? allowedHostnames;
  const isGiven = [cert, key, ca, crl, names].some((one) => one !== undefined) || requireClientCert;
  if (!isGiven) return undefined;
  if (cert === undefined || key === undefined) {
    const missing = cert === undefined ? '--peer-cert-file' : '--peer-key-file';
    throw new InvalidArgumentError(missing, undefined, 'given with the other --peer flags for TLS');
  }
  if (requireClientCert && ca === undefined) {
    throw new InvalidArgumentError('--peer-trusted-ca-file', undefined, 'given with --peer-client-cert-auth');
  }
  if (names !== undefined && !requireClientCert) {
    throw new InvalidArgumentError('--peer-client-cert-auth', false, 'true with names that members may have');
  }
  const [minVersion, maxVersion] = [versionOf(flags['tls-min-version']), versionOf(flags['tls-max-version'])];
  const others = { ca, crl, allowedCommonNames, allowedHostnames, cipherSuites: flags['cipher-suites'] };
  return { cert, key, requireClientCert, ...definedOnly({ ...others, minVersion, maxVersion }) };
}

/** In which TLS is spoken, where something is said of it. */
function peerAutoTls(flags: ServeFlags): StartOptions['peerAutoTls'] {
  if (flags['peer-auto-tls'] !== true) return flags['peer-auto-tls'];
  const [minVersion, maxVersion] = [versionOf(flags['tls-min-version']), versionOf(flags['tls-max-version'])];
  const protocol = definedOnly({ cipherSuites: flags['cipher-suites'], minVersion, maxVersion });
  return Object.keys(protocol).length === 0 ? true : protocol;
}

/** A period is in hours where it has no unit, as in etcd. */
function compaction(flags: ServeFlags): StartOptions['autoCompaction'] {
  const { 'auto-compaction-mode': mode = 'periodic', 'auto-compaction-retention': text = '0' } = flags;
  const isNumber = /^\d+$/.test(text);
  if (mode === 'revision') {
    const retention = Number(text);
    if (isNumber && Number.isSafeInteger(retention)) return retention === 0 ? undefined : { mode, retention };
    throw new InvalidArgumentError('--auto-compaction-retention', text, 'a number of revisions, such as 1000');
  }
  const retention = isNumber ? Number(text) * MS_PER_HOUR : parseGoDuration(text);
  if (retention !== undefined) return retention === 0 ? undefined : { mode, retention };
  throw new InvalidArgumentError('--auto-compaction-retention', text, 'a time such as 30m or 1h, or whole hours');
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without what was not given: the member has defaults of its own. */
function definedOnly<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}
