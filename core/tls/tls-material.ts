import { createPrivateKey, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { Clock } from '../base/clock.js';
import { InvalidArgumentError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { PacedLog } from '../base/paced-log.js';
import { opensslCiphers } from './cipher-suites.js';
import { blocksOf, isPath, nameOfPem, type PemSource, readPem } from './pem.js';

/** Versions of TLS that may be asked for; older ones are not secure. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

const VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** Certificates and what they are used with. What is given as a path is read again when its file changes. */
export interface TlsFiles {
  /** Ours, with those between it and its authority behind it. */
  readonly cert?: PemSource;
  /** The key of `cert`, not encrypted. */
  readonly key?: PemSource;
  /** The authorities that may have signed the other end's certificate. */
  readonly ca?: PemSource;
  /** Certificates that these authorities took back: a list of each authority in a chain, none of them out of date. */
  readonly crl?: PemSource;
  /** Of TLS 1.2, by the names of the standards or OpenSSL's. Default: Node's. Those of TLS 1.3 cannot be chosen, as in etcd. */
  readonly cipherSuites?: readonly string[];
  /** Default: `'TLSv1.2'`. */
  readonly minVersion?: TlsVersion;
  /** Default: the latest. */
  readonly maxVersion?: TlsVersion;
}

/** What of {@link TlsFiles} is read. */
const SOURCES = ['cert', 'key', 'ca', 'crl'] as const;
type Source = (typeof SOURCES)[number];

/** Between looks at files. */
const LOOK_MS = 1_000;

/** What is in force. */
export interface TlsInForce {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  /** Another one whenever something else is in force than before. */
  readonly generation: number;
}

/** What it is made with. */
export interface MaterialParts {
  /** Named in errors, such as `clientTls`. */
  readonly field: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Certificates, keys and lists, checked, and read anew when their files change: looked at when a connection asks, once a
 * second at most. What cannot be used then, such as a certificate whose key has not been written yet, leaves in force what
 * was, with a warning.
 */
export class TlsMaterial {
  readonly #files: TlsFiles;
  readonly #parts: MaterialParts;
  readonly #log: PacedLog;
  readonly #paths: readonly string[];
  #stamp: string;
  #lookedMs: number;
  #inForce: TlsInForce;

  /** @throws {@link InvalidArgumentError} naming what is missing, cannot be read, or does not fit the rest */
  constructor(files: TlsFiles, parts: MaterialParts) {
    this.#files = files;
    this.#parts = parts;
    this.#log = new PacedLog(parts.logger, parts.clock);
    this.#paths = SOURCES.flatMap((name) => {
      const source = files[name];
      return source !== undefined && isPath(source) ? [source] : [];
    });
    this.#lookedMs = parts.clock.now();
    // Before reading: a change between the two is then seen at the next look.
    this.#stamp = this.#stampOf();
    this.#inForce = this.#load(1);
  }

  /** What a new connection is to use. */
  current(): TlsInForce {
    const nowMs = this.#parts.clock.now();
    if (this.#paths.length === 0 || nowMs - this.#lookedMs < LOOK_MS) return this.#inForce;
    this.#lookedMs = nowMs;
    const stamp = this.#stampOf();
    if (stamp === this.#stamp) return this.#inForce;
    const { field, logger } = this.#parts;
    try {
      this.#inForce = this.#load(this.#inForce.generation + 1);
      this.#stamp = stamp;
      logger.info({ field }, 'certificates changed: new connections use them');
    } catch (error) {
      this.#log.warn(
        field,
        { field, why: (error as Error).message },
        'changed certificates cannot be used: the old ones stay',
      );
    }
    return this.#inForce;
  }

  /** Of all files: when they were written, and which they are. */
  #stampOf(): string {
    return this.#paths
      .map((path) => {
        const found = statSync(path, { bigint: true, throwIfNoEntry: false });
        return found === undefined ? 'none' : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`;
      })
      .join();
  }

  #load(generation: number): TlsInForce {
    const { field, logger } = this.#parts;
    const options = { ...this.#read(), ...protocolOf(this.#files, field) };
    for (const { name, text } of datesOf(options)) {
      logger.warn({ field: `${field}.${name}`, file: nameOfPem(this.#files[name]) }, text);
    }
    return { options, context: this.#contextOf(options), generation };
  }

  #read(): Partial<Record<Source, Buffer>> {
    const { field } = this.#parts;
    const read: Partial<Record<Source, Buffer>> = {};
    for (const name of SOURCES) {
      const source = this.#files[name];
      if (source === undefined) continue;
      try {
        read[name] = readPem(source);
      } catch (error) {
        const limit = `a file that can be read (${(error as NodeJS.ErrnoException).code})`;
        throw new InvalidArgumentError(`${field}.${name}`, nameOfPem(source), limit);
      }
    }
    checkPairs(this.#files, read, field);
    return read;
  }

  #contextOf(options: SecureContextOptions): SecureContext {
    const { field } = this.#parts;
    try {
      return createSecureContext(options);
    } catch (error) {
      // All else was checked one by one.
      const name = options.crl === undefined ? 'cert' : 'crl';
      const limit = `of a form that OpenSSL takes (${(error as Error).message})`;
      throw new InvalidArgumentError(`${field}.${name}`, nameOfPem(this.#files[name]), limit);
    }
  }
}

/** Each certificate is one, each key is one, and the two belong together. */
function checkPairs(files: TlsFiles, { cert, key, ca, crl }: Partial<Record<Source, Buffer>>, field: string): void {
  const fail = (name: Source, limit: string): never => {
    throw new InvalidArgumentError(`${field}.${name}`, nameOfPem(files[name]), limit);
  };
  const isReadable = (parse: () => unknown) => {
    try {
      parse();
      return true;
    } catch {
      return false;
    }
  };
  if ((cert === undefined) !== (key === undefined)) {
    fail(cert === undefined ? 'cert' : 'key', 'given where the other one of certificate and key is');
  }
  if (cert !== undefined && !areCertificates(cert)) fail('cert', 'a certificate in PEM');
  if (key !== undefined && !isReadable(() => createPrivateKey(key))) fail('key', 'a private key in PEM, not encrypted');
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    fail('key', `the key of the certificate in ${field}.cert`);
  }
  if (ca !== undefined && !areCertificates(ca)) fail('ca', 'certificates in PEM');
  if (crl !== undefined && !blocksOf(crl).some((block) => block.startsWith('-----BEGIN X509 CRL-')))
    fail('crl', 'lists of revoked certificates in PEM');
  if (crl !== undefined && ca === undefined) fail('ca', `given with ${field}.crl`);
}

function areCertificates(pem: Buffer): boolean {
  const blocks = blocksOf(pem);
  try {
    for (const block of blocks) new X509Certificate(block);
    return blocks.length > 0;
  } catch {
    return false;
  }
}

/** What is said of certificates whose time is over, or has not come: a machine's clock may be wrong, so it is no error. */
function datesOf({ cert, ca }: SecureContextOptions): readonly { readonly name: Source; readonly text: string }[] {
  return Object.entries({ cert, ca }).flatMap(([name, pem]) =>
    (pem === undefined ? [] : blocksOf(pem as Buffer)).flatMap((block) => {
      const { validFrom, validTo } = new X509Certificate(block);
      const source = name as Source;
      // The time of the wall, for that is what certificates are about.
      const now = new Date();
      if (now > new Date(validTo)) return [{ name: source, text: `a certificate expired on ${validTo}` }];
      if (now < new Date(validFrom))
        return [{ name: source, text: `a certificate is valid only from ${validFrom} on` }];
      return [];
    }),
  );
}

function protocolOf(files: TlsFiles, field: string): SecureContextOptions {
  const { cipherSuites, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' } = files;
  for (const [name, version] of Object.entries({ minVersion, maxVersion })) {
    if (!VERSIONS.includes(version))
      throw new InvalidArgumentError(`${field}.${name}`, version, `one of ${VERSIONS.join(', ')}`);
  }
  if (minVersion > maxVersion) {
    throw new InvalidArgumentError(
      `${field}.minVersion`,
      minVersion,
      `at most ${field}.maxVersion, which is ${maxVersion}`,
    );
  }
  if (cipherSuites !== undefined && minVersion === 'TLSv1.3') {
    const limit = 'left out where TLS 1.3 alone is spoken, whose suites cannot be chosen';
    throw new InvalidArgumentError(`${field}.cipherSuites`, cipherSuites.join(), limit);
  }
  return {
    minVersion: minVersion satisfies SecureVersion,
    maxVersion,
    ...(cipherSuites !== undefined && { ciphers: opensslCiphers(cipherSuites, `${field}.cipherSuites`) }),
  };
}
