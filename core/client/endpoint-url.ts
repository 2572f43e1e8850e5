import type { EndpointAddress, TlsOptions } from './settings.js';

const DEFAULT_PORT = 2_379;

/**
 * Reads where a member serves clients: `http://host:2379`, `https://host`, `unix:///run/conclave.sock`, `unixs://…`.
 *
 * @param tls - for `https` and `unixs`
 * @returns `undefined` if it is no such URL
 */
export function parseEndpointUrl(url: string, tls: TlsOptions | undefined): EndpointAddress | undefined {
  const [, isSecure, path] = /^unix(s?):\/\/([^\s?#]+)$/.exec(url) ?? [];
  // Whoever answers there has no host's name: its certificate is to be for localhost.
  if (path !== undefined) return { host: 'localhost', port: 0, path, ...(isSecure === 's' && { tls: tls ?? true }) };
  const [, scheme, rest] = /^(https?):\/\/([^/\s]+)\/?$/.exec(url) ?? [];
  if (scheme === undefined || rest === undefined || !URL.canParse(url)) return undefined;
  const { hostname, port, username, search, hash } = new URL(url);
  if (username !== '' || search !== '' || hash !== '') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  // The URL parser leaves out the scheme's own port, even where it was given.
  const own = /:\d+$/.test(rest) ? (scheme === 'https' ? 443 : 80) : DEFAULT_PORT;
  const address = { host, port: port === '' ? own : Number(port) };
  return scheme === 'https' ? { ...address, tls: tls ?? true } : address;
}
