import { InvalidArgumentError } from '../base/errors.js';
import type { Member } from '../member/member.js';
import type { Surroundings } from './assemble.js';
import type { Closers } from './closers.js';

/** One address to listen on, or several. */
export type ListenAt = string | Address | readonly (string | Address)[];

interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1']);
const PORT_MAX = 65_535;

/**
 * Serves etcd's protocol for a member.
 *
 * @returns where clients reach it: the first address
 * @throws {@link InvalidArgumentError} if an address is not of the form `http://host:port`
 * @throws the operating system's error if an address cannot be listened on, such as one in use
 */
export async function listen(member: Member, at: ListenAt, { logger, settings }: Surroundings, closers: Closers) {
  const addresses = (Array.isArray(at) ? (at as readonly (string | Address)[]) : [at as string | Address]).map(
    toAddress,
  );
  // Loaded only by those who listen.
  const { serveGrpc } = await import('../rpc/grpc-carrier.js');
  const urls: string[] = [];
  for (const { host, port } of addresses) {
    if (!LOOPBACK.has(host)) logger.warn({ host, port }, 'whoever reaches this address can read and change everything');
    const server = await serveGrpc({ host, port, member, maxRequestBytes: settings.requestBytesMax, logger });
    closers.add(() => server.close());
    urls.push(`http://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`);
  }
  return urls[0] as string;
}

function toAddress(at: string | Address): Address {
  const { host, port } = typeof at === 'string' ? parse(at) : at;
  if (typeof host === 'string' && host !== '' && Number.isInteger(port) && port >= 0 && port <= PORT_MAX) {
    return { host, port };
  }
  throw new InvalidArgumentError('listen', JSON.stringify(at), "an address such as 'http://127.0.0.1:2379'");
}

function parse(url: string): Address {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const plain = parsed !== undefined && parsed.protocol === 'http:' && parsed.pathname === '/' && parsed.search === '';
  if (!plain) return { host: '', port: 0 };
  // The URL parser leaves out the scheme's own port.
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: parsed.port === '' ? 80 : Number(parsed.port) };
}
