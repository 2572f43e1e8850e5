import { randomBytes, webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as X509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 86_400_000;
const SERIAL_BYTES = 16;

/** A certificate that nobody vouches for, and its key, in PEM. */
export interface SelfSigned {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Makes a certificate for these hosts, good for servers and for clients, signed by itself: what is said is encrypted, but
 * nobody can tell by it whom he talks to.
 *
 * @param hosts - names and addresses
 */
export async function makeSelfSigned(hosts: readonly string[], validityYears: number): Promise<SelfSigned> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const now = new Date();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'O=conclave',
    notBefore: now,
    notAfter: new Date(now.getTime() + validityYears * YEAR_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      namesOf(x509, hosts),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert: Buffer.from(certificate.toString('pem')),
    key: Buffer.from(x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')),
  };
}

/** The hosts that a certificate is for, as its extension. */
export function namesOf(x509: typeof X509, hosts: readonly string[]): X509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
  );
}

/** The library that makes certificates; loaded only by those who make some. */
export async function loadX509(): Promise<typeof X509> {
  // That package is put together by a container which wants this loaded before it.
  createRequire(import.meta.url)('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}

/** Positive, and not one that was given before. */
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
