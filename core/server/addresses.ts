import { InvalidArgumentError } from '../base/errors.js';

/** One address to listen on, or several. */
export type ListenAt = string | Address | readonly (string | Address)[];

/** A place to listen at. */
export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const PORT_MAX = 65_535;

/** The schemes' own ports. */
const PORTS = { http: 80, https: 443 } as const;

/**
 * Where to listen.
 *
 * @param field - for the error
 * @param scheme - of the addresses that are texts
 * @throws {@link InvalidArgumentError} if an address is not of the form `http://host:port`
 */
export function toAddresses(at: ListenAt, field: string, scheme: keyof typeof PORTS = 'http'): readonly Address[] {
  const several = Array.isArray(at) ? (at as readonly (string | Address)[]) : [at as string | Address];
  return several.map((one) => toAddress(one, field, scheme));
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

/** Addresses that mean every address of a machine. */
const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** Whether others can reach it: it is neither every address of a machine nor any free port. */
export function isReachable({ host, port }: Address): boolean {
  return port !== 0 && !UNSPECIFIED.has(host);
}
