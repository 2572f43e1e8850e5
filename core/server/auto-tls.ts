import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { InvalidArgumentError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { makeSelfSigned, type SelfSigned } from '../tls/self-signed.js';

/** Longer ones hardly have a meaning. */
const VALIDITY_YEARS_MAX = 100;

/** Names by which a machine reaches itself. */
const OWN_HOSTS = ['localhost', '127.0.0.1', '::1'];
const EVERYWHERE = new Set(['0.0.0.0', '::']);

/** For whom a certificate is made. */
export interface SelfSignedFor {
  readonly hosts: readonly string[];
  readonly validityYears: number;
  readonly logger: Logger;
}

/**
 * The certificate that a member made for itself, or a new one, if there is none, its time is over, or it is for other hosts.
 *
 * @param folder - where it is kept, as in etcd: `cert.pem`, and `key.pem` that its owner alone may read. Absent: nowhere
 * @throws {@link InvalidArgumentError} if its validity is not 1 to 100 years
 */
export async function selfSignedIn(
  folder: string | undefined,
  { hosts, validityYears, logger }: SelfSignedFor,
): Promise<SelfSigned> {
  checkValidity(validityYears);
  const names = namesOf(hosts);
  logger.warn({ hosts: names }, 'TLS with a certificate that nobody vouches for: clients cannot tell who answers them');
  const kept = folder === undefined ? undefined : await keptIn(folder, names);
  if (kept !== undefined) return kept;
  const made = await makeSelfSigned(names, validityYears);
  if (folder !== undefined) await keep(folder, made);
  return made;
}

/**
 * A new certificate of a member's own, for these hosts and those by which a machine reaches itself.
 *
 * @throws as {@link selfSignedIn}
 */
export async function makeOwnCertificate(hosts: readonly string[], validityYears: number): Promise<SelfSigned> {
  checkValidity(validityYears);
  return makeSelfSigned(namesOf(hosts), validityYears);
}

function checkValidity(years: number): void {
  if (Number.isInteger(years) && years >= 1 && years <= VALIDITY_YEARS_MAX) return;
  throw new InvalidArgumentError(
    'selfSignedCertValidityYears',
    years,
    `a whole number from 1 to ${VALIDITY_YEARS_MAX}`,
  );
}

function namesOf(hosts: readonly string[]): readonly string[] {
  return [...new Set([...OWN_HOSTS, ...hosts.filter((host) => !EVERYWHERE.has(host))])];
}

async function keptIn(folder: string, hosts: readonly string[]): Promise<SelfSigned | undefined> {
  try {
    const [cert, key] = await Promise.all([readFile(join(folder, 'cert.pem')), readFile(join(folder, 'key.pem'))]);
    const certificate = new X509Certificate(cert);
    const isFor = (host: string) =>
      (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
    // A crash may have left the key of one and the certificate of another.
    const isWhole = certificate.checkPrivateKey(createPrivateKey(key));
    return isWhole && new Date() < new Date(certificate.validTo) && hosts.every(isFor) ? { cert, key } : undefined;
  } catch {
    // None, or half of one: another one is as good.
    return undefined;
  }
}

async function keep(folder: string, { cert, key }: SelfSigned): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of Object.entries({ 'key.pem': key, 'cert.pem': cert })) {
    const path = join(folder, name);
    await writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}
