import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { TlsMaterial } from '../tls/tls-material.js';
import type { ClientSettings, EndpointAddress, TlsOptions } from './settings.js';

/** Of each options that were given, what is in force: endpoints that share them share it. */
const MATERIALS = new WeakMap<TlsOptions, TlsMaterial>();

/** @throws {@link InvalidArgumentError} naming what is missing, cannot be read, or does not fit the rest */
export function checkTls(tls: EndpointAddress['tls'], settings: ClientSettings): void {
  if (typeof tls === 'object') materialOf(tls, settings);
}

/** How a new connection is secured, with the certificates that there are now. */
export function credentialsFor(tls: EndpointAddress['tls'], settings: ClientSettings): ChannelCredentials {
  if (tls === undefined || tls === false) return credentials.createInsecure();
  if (tls === true) return credentials.createSsl();
  const { context } = materialOf(tls, settings).current();
  const isVerified = tls.insecureSkipVerify !== true;
  return credentials.createFromSecureContext(context, { rejectUnauthorized: isVerified });
}

function materialOf(tls: TlsOptions, { clock, logger }: ClientSettings): TlsMaterial {
  const known = MATERIALS.get(tls);
  if (known !== undefined) return known;
  const material = new TlsMaterial(tls, { field: 'tls', clock, logger });
  MATERIALS.set(tls, material);
  return material;
}
