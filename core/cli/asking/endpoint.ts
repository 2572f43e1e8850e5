import { readFile } from 'node:fs/promises';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../../base/errors.js';

/** How connections are made secure. */
export interface TlsFlags {
  /** Files in PEM. */
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whether endpoints that do not say so themselves are asked in plain text. */
  readonly isPlain: boolean;
  /** Whether any certificate is believed. */
  readonly isUnverified: boolean;
}

/** Where a member is asked, in gRPC's words. */
export interface Endpoint {
  readonly target: string;
  /** Whether its address itself asks for TLS. */
  readonly isSecure: boolean;
}

const WANTED = 'host:port, http://host:port, https://host:port, unix:path or unixs:path';

/** @throws {@link InvalidArgumentError} if a text is no address of a member */
export function parseEndpoint(text: string): Endpoint {
  const socket = /^(unixs?):(?:\/\/)?(.+)$/.exec(text);
  if (socket) return { target: `unix:${socket[2]}`, isSecure: socket[1] === 'unixs' };
  const url = text.includes('://') ? text : `http://${text}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isKnown = parsed?.protocol === 'http:' || parsed?.protocol === 'https:';
  if (!isKnown || parsed.hostname === '' || parsed.pathname !== '/') {
    throw new InvalidArgumentError('--endpoints', text, WANTED);
  }
  const isSecure = parsed.protocol === 'https:';
  return { target: `dns:${parsed.hostname}:${parsed.port || (isSecure ? '443' : '80')}`, isSecure };
}

/**
 * The credentials for connections to an endpoint. Any flag about certificates asks for TLS, as with etcdctl.
 *
 * @throws {@link InvalidArgumentError} if a file cannot be read, or holds no certificate or key
 */
export async function credentialsFor({ isSecure }: Endpoint, flags: TlsFlags): Promise<ChannelCredentials> {
  const { cacert, cert, key, isPlain, isUnverified } = flags;
  const isAsked = isSecure || !isPlain || cacert !== undefined || cert !== undefined || key !== undefined;
  if (!isAsked) return credentials.createInsecure();
  if (cert === undefined && key !== undefined) throw new InvalidArgumentError('--cert', '', 'given along with --key');
  if (key === undefined && cert !== undefined) throw new InvalidArgumentError('--key', '', 'given along with --cert');
  const [ca, chain, secret] = await Promise.all([
    fileOf('--cacert', cacert),
    fileOf('--cert', cert),
    fileOf('--key', key),
  ]);
  try {
    return credentials.createSsl(ca, secret, chain, isUnverified ? { rejectUnauthorized: false } : {});
  } catch (error) {
    const files = [cacert, cert, key].filter((file) => file !== undefined).join(', ');
    throw new InvalidArgumentError('--cacert, --cert, --key', files, `in PEM (${(error as Error).message})`);
  }
}

async function fileOf(flag: string, path: string | undefined): Promise<Buffer | null> {
  if (path === undefined) return null;
  try {
    return await readFile(path);
  } catch (error) {
    throw new InvalidArgumentError(flag, path, `a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
