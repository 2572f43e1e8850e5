import { InvalidArgumentError } from '../base/errors.js';

/** One address to listen on, or several. */
export type ListenAt = string | Address | readonly (string | Address)[];

/** A place to listen at. */
export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** A unix socket to listen on. */
export interface SocketAddress {
  readonly path: string;
  /** The permissions of its file, as `0o660`. Default: what the process's umask leaves. */
  readonly mode?: number;
}

/** Where to listen for clients: as {@link ListenAt}, with `https://`, `unix://path` and `unixs://path` besides. */
export type ListenClientsAt = string | Address | SocketAddress | readonly (string | Address | SocketAddress)[];

/** One place at which clients are served. */
export interface ClientPlace {
  readonly at: Address | SocketAddress;
  /** Whether with TLS. */
  readonly isSecure: boolean;
}

const PORT_MAX = 65_535;
const MODE_MAX = 0o777;

/** The schemes' own ports. */
const PORTS = { http: 80, https: 443 } as const;

/**
 * Where to listen for other members.
 *
 * @param field - for the error
 * @param scheme - of the addresses that are texts
 * @throws {@link InvalidArgumentError} if an address is not of the form `http://host:port`; unix sockets are not, either
 */
export function toAddresses(at: ListenAt, field: string, scheme: keyof typeof PORTS = 'http'): readonly Address[] {
  const several = Array.isArray(at) ? (at as readonly (string | Address)[]) : [at as string | Address];
  const socket = several.find(isUnix);
  if (socket !== undefined) throw new InvalidArgumentError(field, JSON.stringify(socket), TCP_ALONE);
  return several.map((one) => toAddress(one, field, scheme));
}

/**
 * Where to serve clients. An address that is no text has TLS if there are certificates.
 *
 * @param field - for the error
 * @throws {@link InvalidArgumentError} if an address is of none of the forms
 */
export function toClientPlaces(at: ListenClientsAt, field: string, hasTls: boolean): readonly ClientPlace[] {
  type One = string | Address | SocketAddress;
  const several = Array.isArray(at) ? (at as readonly One[]) : [at as One];
  return several.map((one): ClientPlace => {
    if (typeof one !== 'string') {
      const place = 'path' in one ? checkSocket(one, field) : toAddress(one, field, 'http');
      return { at: place, isSecure: hasTls };
    }
    const socket = parseSocket(one, field);
    if (socket !== undefined) return socket;
    const isSecure = one.startsWith('https:');
    return { at: toAddress(one, field, isSecure ? 'https' : 'http'), isSecure };
  });
}

/** `unix://path?mode=660`. @returns undefined for what is no unix socket */
function parseSocket(url: string, field: string): ClientPlace | undefined {
  const [, secure, path, mode] = /^unix(s?):\/\/([^?#]*)(?:\?mode=([0-7]{3,4}))?$/.exec(url) ?? [];
  if (path === undefined) return undefined;
  const at = { path, ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }) };
  return { at: checkSocket(at, field), isSecure: secure === 's' };
}

function checkSocket(at: SocketAddress, field: string): SocketAddress {
  const { path, mode = 0 } = at;
  const isMode = Number.isInteger(mode) && mode >= 0 && mode <= MODE_MAX;
  if (typeof path === 'string' && path !== '' && !path.includes('\0') && isMode) return at;
  throw new InvalidArgumentError(
    field,
    JSON.stringify(at),
    "a unix socket such as 'unix:///run/conclave.sock?mode=660'",
  );
}

/** What is said to whoever would have members talk over unix sockets. */
export const TCP_ALONE =
  "an address such as 'http://10.0.0.1:2380': members talk over TCP alone, unix sockets are for clients";

/** Whether somebody means a unix socket, however it is written. */
export function isUnix(at: unknown): boolean {
  return typeof at === 'string' ? /^unixs?:/i.test(at) : typeof at === 'object' && at !== null && 'path' in at;
}

/** Whether a place is a unix socket. */
export function isSocket(at: Address | SocketAddress): at is SocketAddress {
  return 'path' in at;
}

function toAddress(at: string | Address, field: string, scheme: keyof typeof PORTS): Address {
  const { host, port } = typeof at === 'string' ? parse(at, scheme) : at;
  if (typeof host === 'string' && host !== '' && Number.isInteger(port) && port >= 0 && port <= PORT_MAX) {
    return { host, port };
  }
  throw new InvalidArgumentError(field, JSON.stringify(at), `an address such as '${scheme}://127.0.0.1:2379'`);
}

function parse(url: string, scheme: keyof typeof PORTS): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed?.protocol === `${scheme}:` && parsed.pathname === '/' && parsed.search === '';
  if (!isPlain) return { host: '', port: 0 };
  // The URL parser leaves out the scheme's own port.
  const port = parsed.port === '' ? PORTS[scheme] : Number(parsed.port);
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port };
}

/** An address as a URL. */
export function toUrl({ host, port }: Address, scheme: keyof typeof PORTS = 'http'): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A place as a URL. @param port - the one that was picked */
export function placeUrl({ at, isSecure }: ClientPlace, port?: number): string {
  if (isSocket(at)) return `${isSecure ? 'unixs' : 'unix'}://${at.path}`;
  return toUrl({ host: at.host, port: port ?? at.port }, isSecure ? 'https' : 'http');
}

/** Addresses that mean every address of a machine. */
const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** Whether others can reach it: it is neither every address of a machine nor any free port. */
export function isReachable({ host, port }: Address): boolean {
  return port !== 0 && !UNSPECIFIED.has(host);
}
