import { InvalidArgumentError } from '../base/errors.js';
import { type Flag, list, onOff, oneOf, text, wholeNumber } from './flag.js';
import { LEVELS } from './log.js';
import { prefixQuotas, rateLimits } from './rule-flags.js';

/** etcd refuses longer ones, too: a cluster that misses its leader so late is of no use. */
const ELECTION_TIMEOUT_MAX_MS = 50_000;
const REQUEST_MAX_BYTES = 128 * 1024 * 1024;
const LEARNERS_MAX = 7;
const VALIDITY_YEARS_MAX = 100;
/** Of a token that is not used; 68 years. */
const TOKEN_TTL_MAX_SECONDS = 2 ** 31 - 1;

/** What a member goes by where nothing is said. */
export const FALLBACKS = {
  name: 'default',
  dataDir: 'conclave.data',
  listenClientUrl: 'http://127.0.0.1:2379',
} as const;

const milliseconds = { least: 1, most: ELECTION_TIMEOUT_MAX_MS, placeholder: '<ms>' };

/**
 * Everything that `conclave serve` can be told. Names and meanings are etcd's; `--memory` and `--auto-promote` are ours.
 * Each can also be given as a variable, see {@link variableOf}.
 */
export const SERVE_FLAGS = {
  name: text('<name>', 'what the other members call this one', FALLBACKS.name),
  'data-dir': text('<folder>', 'where it keeps everything', FALLBACKS.dataDir),
  memory: onOff('keep everything in memory, until it ends; for a member by itself', false),
  'listen-client-urls': list('<urls>', 'where to serve clients', FALLBACKS.listenClientUrl),
  'listen-client-http-urls': list('<urls>', 'where to serve HTTP/1.1; --listen-client-urls then serves gRPC alone'),
  'advertise-client-urls': list('<urls>', 'where clients reach it; by default where it listens for them'),
  'listen-peer-urls': list('<urls>', 'where to listen for other members; by default where they are told to find it'),
  'initial-advertise-peer-urls': list(
    '<urls>',
    'where the other members find it; by default as --initial-cluster says',
  ),
  'initial-cluster': text('<name=url,...>', 'the members with which the cluster begins, or that it has when one joins'),
  'initial-cluster-state': oneOf(['new', 'existing'], 'whether the cluster begins, or this member joins it', 'new'),
  'initial-cluster-token': text('<token>', 'keeps clusters apart that begin with the same addresses'),
  'force-new-cluster': onOff('make a cluster of this member alone, when a majority is lost for good', false),
  'strict-reconfig-check': onOff('refuse changes of members that could leave no majority', true),
  'auto-promote': onOff('let a learner vote as soon as it has caught up', true),
  'max-learners': wholeNumber({ least: 1, most: LEARNERS_MAX, placeholder: '<count>' }, 'learners at one time', '1'),
  'heartbeat-interval': wholeNumber(milliseconds, 'between heartbeats of the leader', '100'),
  'election-timeout': wholeNumber(milliseconds, 'until a leader is missed; at least five heartbeats', '1000'),
  'pre-vote': { ...onOff('ask before campaigning; cannot be turned off', true), parse: preVote },
  'snapshot-catchup-entries': wholeNumber(
    { least: 1, most: 1_000_000_000, placeholder: '<count>' },
    'entries of the log kept for members that are behind',
    '10000',
  ),
  'auto-compaction-mode': oneOf(['periodic', 'revision'], 'what the retention counts', 'periodic'),
  'auto-compaction-retention': text('<time|count>', 'how much history to keep, such as 1h or 1000; 0: all of it', '0'),
  'cert-file': text('<file>', 'certificate for clients whose addresses are https (PEM); read again when it changes'),
  'key-file': text('<file>', 'its key (PEM)'),
  'trusted-ca-file': text('<file>', "who must have signed the clients' certificates (PEM)"),
  'client-cert-auth': onOff("take a certificate's common name for the name of a user", false),
  'client-crl-file': text('<file>', "clients' certificates that were taken back (PEM)"),
  'auto-tls': onOff('make a certificate for clients, which nobody vouches for', false),
  'self-signed-cert-validity': wholeNumber(
    { least: 1, most: VALIDITY_YEARS_MAX, placeholder: '<years>' },
    'how long such certificates are valid',
    '1',
  ),
  'cipher-suites': list('<names>', 'cipher suites of TLS 1.2, for clients and members'),
  'tls-min-version': oneOf(['TLS1.2', 'TLS1.3'], 'the least version of TLS', 'TLS1.2'),
  'tls-max-version': oneOf(['TLS1.2', 'TLS1.3'], 'the last version of TLS', 'TLS1.3'),
  'peer-cert-file': text('<file>', 'certificate for connections between members (PEM)'),
  'peer-key-file': text('<file>', 'its key (PEM)'),
  'peer-trusted-ca-file': text('<file>', "who may have signed the other members' certificates (PEM)"),
  'peer-client-cert-auth': onOff('refuse members without a certificate', false),
  'peer-auto-tls': onOff('make a certificate for other members, and take any of theirs', false),
  'peer-crl-file': text('<file>', "other members' certificates that were taken back (PEM)"),
  'peer-cert-allowed-cn': list('<names>', 'the common names that other members may have'),
  'peer-cert-allowed-hostname': list('<names>', "the hosts for which other members' certificates may be"),
  cors: list('<origins>', 'whose pages in a browser may read answers; * is all', '*'),
  'host-whitelist': list('<hosts>', 'under which names HTTP is answered without TLS; * is all', '*'),
  'auth-token': text(
    '<simple|jwt,...>',
    'what tokens of users are: letters, or JWT (sign-method, priv-key, ...)',
    'simple',
  ),
  'auth-token-ttl': wholeNumber(
    { least: 1, most: TOKEN_TTL_MAX_SECONDS, placeholder: '<seconds>' },
    'how long a simple token lives that is not used',
    '300',
  ),
  'max-request-bytes': wholeNumber(
    { least: 1, most: REQUEST_MAX_BYTES, placeholder: '<bytes>' },
    'the largest request that is taken',
    '1572864',
  ),
  'quota-backend-bytes': wholeNumber(
    { least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER, placeholder: '<bytes>' },
    'how much the store may have in use; below 0: no limit',
    '2147483648',
  ),
  'audit-log': text(
    '<file>',
    'tell there, in lines of JSON, who asked for which change, when, from where',
    'nobody is told',
  ),
  'rate-limit': rateLimits('how often keys may be used'),
  'prefix-quota': prefixQuotas('how much may be kept under a prefix'),
  'log-level': oneOf(LEVELS, 'from where on events are logged', 'info'),
} as const satisfies Record<string, Flag<unknown>>;

/** The name of a flag, without its dashes. */
export type ServeFlagName = keyof typeof SERVE_FLAGS;

/** The flags that were given, as what they mean. */
export type ServeFlags = {
  readonly [Name in ServeFlagName]?: ReturnType<(typeof SERVE_FLAGS)[Name]['parse']>;
};

/** The variable by which etcd knows a flag: `ETCD_INITIAL_CLUSTER` for `--initial-cluster`. */
export function variableOf(name: string): string {
  return `ETCD_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * What flags and variables say; a flag goes before a variable, and an empty variable counts as none, as with etcd.
 *
 * @throws {@link InvalidArgumentError} naming the flag or variable, its value, and what it must be
 */
export function readServeFlags(
  given: Readonly<Partial<Record<ServeFlagName, string>>>,
  env: Readonly<Record<string, string | undefined>>,
): ServeFlags {
  const flags: Partial<Record<ServeFlagName, unknown>> = {};
  for (const name of Object.keys(SERVE_FLAGS) as ServeFlagName[]) {
    const flag: Flag<unknown> = SERVE_FLAGS[name];
    const [onLine, variable] = [given[name], env[variableOf(name)]];
    if (onLine !== undefined) flags[name] = flag.parse(onLine, `--${name}`);
    else if (variable !== undefined && variable !== '') flags[name] = flag.parse(variable, variableOf(name));
  }
  return flags as ServeFlags;
}

function preVote(value: string, given: string): true {
  if (onOff('', true).parse(value, given)) return true;
  throw new InvalidArgumentError(given, value, 'true: without it a member that was cut off disturbs the others');
}
