import { webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as X509 from '@peculiar/x509';
import type { PeerTls } from '../types.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** An authority made for one test. */
export interface TestAuthority {
  /** Its own certificate, PEM. */
  readonly certificate: Uint8Array;
  /**
   * Certificates of a member, good for servers and clients.
   *
   * @param hosts - the names and addresses it is for; 127.0.0.1 and localhost if left out
   */
  issue(options?: { hosts?: readonly string[]; requireClientCert?: boolean }): Promise<PeerTls>;
}

/** Makes an authority that no one else trusts. Takes a few milliseconds. */
export async function makeAuthority(name = 'an authority'): Promise<TestAuthority> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const subject = `CN=${name}`;
  const validity = { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2100, 0, 1) - DAY_MS) };
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: subject,
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 1;
  const issue: TestAuthority['issue'] = async ({
    hosts = ['127.0.0.1', 'localhost'],
    requireClientCert = true,
  } = {}) => {
    const memberKeys = await makeKeys();
    serial += 1;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, '0'),
      subject: 'CN=member',
      issuer: subject,
      ...validity,
      signingAlgorithm: ALGORITHM,
      publicKey: memberKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
        ),
      ],
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', memberKeys.privateKey);
    return {
      cert: Buffer.from(certificate.toString('pem')),
      key: Buffer.from(x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')),
      ca: Buffer.from(own.toString('pem')),
      requireClientCert,
    };
  };
  return { certificate: Buffer.from(own.toString('pem')), issue };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function loadX509(): Promise<typeof X509> {
  // That package is put together by a container which wants this loaded before it.
  createRequire(import.meta.url)('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}
