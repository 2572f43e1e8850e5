import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { TlsMaterial } from '../tls/tls-material.js';
import type { PeerTls } from './types.js';

/** Where a member listens, out of its URL. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

/** How a connection to an `https` URL is made. */
export interface DialTls {
  readonly secureContext: SecureContext;
  /** Whether the other end's certificate must be signed by an authority that we know, and be for that host. */
  readonly rejectUnauthorized: boolean;
}

/** With what is in force now. */
export function dialTlsOf({ insecureSkipVerify = false }: PeerTls, material: TlsMaterial): DialTls {
  return { secureContext: material.current().context, rejectUnauthorized: !insecureSkipVerify };
}

/** @returns undefined if it is not of the form `http://host:port` or `https://host:port` */
export function parseUrl(url: string): Endpoint | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) return undefined;
  const isTls = parsed.protocol === 'https:';
  if (!isTls && parsed.protocol !== 'http:') return undefined;
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  // The URL parser leaves out the scheme's own port.
  const port = parsed.port === '' ? (isTls ? 443 : 80) : Number(parsed.port);
  return host === '' || port === 0 ? undefined : { host, port, isTls };
}

export function formatUrl({ host, port, isTls }: Endpoint): string {
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Begins to connect.
 *
 * @param tls - absent: the authorities that Node trusts, and no certificate of ours
 * @param onConnected - called when bytes may be sent, TLS's own greeting done
 */
export function openSocket({ host, port, isTls }: Endpoint, tls: DialTls | undefined, onConnected: () => void): Socket {
  if (!isTls) return connectPlain({ host, port }, onConnected);
  return connectTls({ host, port, ...tls }, onConnected);
}
