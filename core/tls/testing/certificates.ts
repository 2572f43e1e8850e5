import { webcrypto, X509Certificate } from 'node:crypto';
import { loadX509, namesOf } from '../self-signed.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** What an authority gives to somebody. */
export interface Issued {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  readonly requireClientCert: boolean;
}

/** What a certificate says. */
export interface IssueOptions {
  /** The names and addresses it is for; 127.0.0.1, ::1 and localhost if left out. */
  readonly hosts?: readonly string[];
  readonly commonName?: string;
  /** In days from now. Default: since 2020, until 2099. */
  readonly validDays?: { readonly from: number; readonly to: number };
  readonly requireClientCert?: boolean;
}

/** An authority made for one test. */
export interface TestAuthority {
  /** Its own certificate, PEM. */
  readonly certificate: Uint8Array;
  /** Certificates of a member, good for servers and clients. */
  issue(options?: IssueOptions): Promise<Issued>;
  /** The list of those that it took back, PEM. */
  revoke(...certs: readonly Buffer[]): Promise<Buffer>;
}

/** Makes an authority that no one else trusts. Takes a few milliseconds. */
export async function makeAuthority(name = 'an authority'): Promise<TestAuthority> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const subject = `CN=${name}`;
  const forever = { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2100, 0, 1) - DAY_MS) };
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: subject,
    ...forever,
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 1;
  const issue: TestAuthority['issue'] = async ({
    hosts = ['127.0.0.1', '::1', 'localhost'],
    commonName = 'member',
    validDays,
    requireClientCert = true,
  } = {}) => {
    const memberKeys = await makeKeys();
    serial += 1;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, '0'),
      subject: `CN=${commonName}`,
      issuer: subject,
      ...(validDays === undefined ? forever : { notBefore: inDays(validDays.from), notAfter: inDays(validDays.to) }),
      signingAlgorithm: ALGORITHM,
      publicKey: memberKeys.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        namesOf(x509, hosts),
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
  const revoke: TestAuthority['revoke'] = async (...certs) => {
    const list = await x509.X509CrlGenerator.create({
      issuer: subject,
      thisUpdate: inDays(-1),
      nextUpdate: inDays(30),
      signingAlgorithm: ALGORITHM,
      signingKey: keys.privateKey,
      entries: certs.map((cert) => ({
        serialNumber: new X509Certificate(cert).serialNumber,
        revocationDate: inDays(-1),
      })),
    });
    return Buffer.from(x509.PemConverter.encode(list.rawData, 'X509 CRL'));
  };
  return { certificate: Buffer.from(own.toString('pem')), issue, revoke };
}

function inDays(days: number): Date {
  return new Date(new Date().getTime() + days * DAY_MS);
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
