import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Call } from './handlers/parts.js';

/**
 * The common name of the certificate with which the connection of a call proved itself.
 *
 * @returns undefined without a certificate that was verified, or one name alone in it; and for what no connection of
 * grpc-js carries, such as the gateway's calls, for which etcd takes no common name either
 */
export function commonNameOf(call: Call): string | undefined {
  if (!('getAuthContext' in call) || typeof call.getAuthContext !== 'function') return undefined;
  // grpc-js tells of a certificate only if Node has verified it.
  const name: unknown = call.getAuthContext().sslPeerCertificate?.subject.CN;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** grpc-js asks for the certificate with each call; it is taken apart once for a connection, whose certificate stays. */
export function rememberCertificate(socket: Socket): void {
  if (!(socket instanceof TLSSocket)) return;
  const certificate = socket.getPeerCertificate();
  socket.getPeerCertificate = (() => certificate) as TLSSocket['getPeerCertificate'];
}
