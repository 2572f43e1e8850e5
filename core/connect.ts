import type { BytesLike } from './base/bytes.js';
import type { Clock } from './base/clock.js';
import { InvalidArgumentError } from './base/errors.js';
import type { Logger } from './base/logger.js';
import type { Prng } from './base/prng.js';
import { parseEndpointUrl } from './client/endpoint-url.js';
import type { ClientLimits, EndpointAddress, TlsOptions } from './client/settings.js';
import type { OpenOptions } from './embedded/open.js';
import { KeyPrefix } from './namespace/key-prefix.js';
import { NamespacedStore } from './namespace/namespaced-store.js';
import type { Store } from './store.js';

/** What may be told to {@link connect}, beside the URL that decides which of it matters. */
export interface ConnectOptions {
  /** Default: the machine's monotonic clock. */
  readonly clock?: Clock;
  /** Default: one that says nothing. */
  readonly logger?: Logger;
  /** Chance, for ids and jitter. */
  readonly prng?: Prng;
  /**
   * Put before every key and taken off again, so that nothing outside this namespace is seen or touched: `'team-a/'`. Default:
   * the whole store. See `Store.namespace()`; closing what is returned closes the store.
   */
  readonly namespace?: BytesLike;
  /** Settings of the member, where the store is embedded. */
  readonly embedded?: Omit<OpenOptions, 'clock' | 'logger' | 'prng'>;
  /** Settings of the client, where the store is elsewhere. */
  readonly client?: Partial<ClientLimits>;
  /** Certificates, for `https` URLs. */
  readonly tls?: TlsOptions;
  /** Who asks, where the store is elsewhere and wants to know: a user and its password. */
  readonly user?: string;
  readonly password?: string;
  /** Instead of a user and a password: a token that one was given. */
  readonly token?: string;
}

const EMBEDDED = 'embedded:';
const MEMORY = 'memory';
const FORMS = "'embedded:memory', 'embedded:<folder>', 'http://host:2379,…' (or https), or 'unix://<path>' (or unixs)";

/**
 * Opens a store: in this process, or at the members of Conclave or etcd that the URL names.
 *
 * @param url - `'embedded:./data'`, `'embedded:memory'`, `'http://a:2379,b:2379'`, `'https://a:2379,https://b:2379'`,
 * `'unix:///run/conclave.sock'` (`unixs` with TLS)
 * @throws {@link InvalidArgumentError} if the URL is none of these, or the namespace empty or too long
 * @throws {@link UnavailableError} if no member could be reached
 * @throws {@link AuthenticationFailedError} if the user does not exist there, or has another password
 * @throws {@link DataDirError}, {@link LogDamagedError} if the folder cannot be used
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Store> {
  const { namespace, ...rest } = options;
  if (namespace === undefined) return connectWhole(url, rest);
  const prefix = new KeyPrefix(namespace);
  return new NamespacedStore(await connectWhole(url, rest), prefix, { ownsStore: true });
}

async function connectWhole(url: string, options: Omit<ConnectOptions, 'namespace'>): Promise<Store> {
  if (typeof url !== 'string') throw invalid(url);
  const { embedded, client, tls, user, password, token, ...surroundings } = options;
  // Each is loaded only where it is used: the engine is of no use to a client, nor gRPC to a store in this process.
  if (url.startsWith(EMBEDDED)) {
    const folder = url.slice(EMBEDDED.length);
    if (folder === '') throw invalid(url);
    const { open } = await import('./embedded/open.js');
    return open(folder === MEMORY ? { memory: true } : { dataDir: folder }, { ...embedded, ...surroundings });
  }
  const endpoints = parseEndpoints(url, tls);
  const { connectGrpc } = await import('./client/grpc-store.js');
  return connectGrpc(endpoints, { ...client, ...surroundings, user, password, token });
}

/** A part without a scheme has that of the part before it. */
function parseEndpoints(url: string, tls: TlsOptions | undefined): EndpointAddress[] {
  let scheme = '';
  return url.split(',').map((part) => {
    const text = part.trim();
    scheme = /^https?(?=:\/\/)/.exec(text)?.[0] ?? scheme;
    const endpoint = parseEndpointUrl(text.includes('://') ? text : `${scheme}://${text}`, tls);
    if (!endpoint) throw invalid(url);
    return endpoint;
  });
}

function invalid(url: unknown): InvalidArgumentError {
  return new InvalidArgumentError('url', url, FORMS);
}
