import type { Metadata } from '@grpc/grpc-js';
import type { CallerCredentials } from './ports.js';

/** Where clients put a token; the second is where HTTP has it, and what comes through the gateway. */
const TOKEN = 'token';
const AUTHORIZATION = 'authorization';
const SCHEME = /^Bearer /i;

/** Of a call without any. */
const NONE: CallerCredentials = {};

/**
 * What a call says of who makes it.
 *
 * @param commonName - of the certificate with which its connection proved itself. A token counts before it
 */
export function credentialsOf(metadata: Metadata, commonName: string | undefined): CallerCredentials {
  const token = firstOf(metadata, TOKEN) ?? firstOf(metadata, AUTHORIZATION)?.replace(SCHEME, '');
  if (token !== undefined) return { token };
  return commonName === undefined ? NONE : { commonName };
}

function firstOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return value?.toString();
}
