import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { type Duration, toMilliseconds } from '../base/duration.js';
import { InvalidArgumentError } from '../base/errors.js';
import { parseGoDuration } from '../base/go-duration.js';
import type { SignedToken, TokenSigner } from '../member/secrets.js';

/** The algorithms that etcd takes for `sign-method`. */
const SIGN_METHODS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'HS384', 'HS512'],
] as const;

/** Tokens that are signed (JWT): a member believes what they say, and needs to remember nothing. */
export interface JwtOptions {
  /** One of RS256, RS384, RS512, PS256 …, ES256 …, EdDSA, HS256 …; that of the keys. */
  readonly signMethod: string;
  /** PEM, or the secret itself where the method is HS…. A member without one takes tokens and gives none. */
  readonly privateKey?: string | Uint8Array;
  /** PEM of a key or certificate. Default: that of the private key. */
  readonly publicKey?: string | Uint8Array;
  /** For how long a token is good. Default: 5 minutes. */
  readonly ttl?: Duration;
}

/**
 * What tokens are: `'simple'`, letters that members remember (the default); or signed ones, said as etcd's `--auth-token`
 * says it, `'jwt,pub-key=app.pub,priv-key=app.key,sign-method=RS256,ttl=10m'`, or with their keys.
 */
export type AuthToken = string | JwtOptions;

const DEFAULT_TTL: Duration = '5m';
/** The field's name in what is said of a wrong value. */
const FIELD = 'authToken';

/**
 * Reads keys, and makes of them what signs tokens. Undefined: tokens are simple.
 *
 * @throws {@link InvalidArgumentError} naming what is missing, unknown, or no key
 */
export async function signerOf(token: AuthToken = 'simple'): Promise<TokenSigner | undefined> {
  if (token === 'simple') return undefined;
  return jwtSigner(typeof token === 'string' ? await readJwtOptions(token) : token);
}

/**
 * Signs and reads tokens with the claims of etcd's: `username`, `revision`, `exp`.
 *
 * @param now - wall time, by which others than this machine say until when a token is good
 * @throws as {@link signerOf}
 */
export function jwtSigner(options: JwtOptions, now: () => Date = () => new Date()): TokenSigner {
  const { signMethod: alg, ttl = DEFAULT_TTL } = options;
  if (!SIGN_METHODS.some((method) => method === alg)) {
    throw new InvalidArgumentError(`${FIELD} sign-method`, alg, `one of ${SIGN_METHODS.join(', ')}`);
  }
  const ttlMs = toMilliseconds(ttl, `${FIELD} ttl`);
  if (ttlMs < 1_000) throw new InvalidArgumentError(`${FIELD} ttl`, ttl, 'a second or more');
  const { signs, verifies } = keysOf(options);
  return {
    async sign({ name, revision }) {
      if (signs === undefined) throw new InvalidArgumentError(`${FIELD} priv-key`, undefined, 'given, to give tokens');
      const expiresSeconds = Math.floor((now().getTime() + ttlMs) / 1_000);
      const claims = { username: name, revision };
      return new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT' }).setExpirationTime(expiresSeconds).sign(signs);
    },
    async verify(token) {
      const currentDate = now();
      try {
        const { payload } = await jwtVerify(token, verifies, {
          algorithms: [alg],
          currentDate,
          requiredClaims: ['exp'],
        });
        return fromClaims(payload, currentDate);
      } catch (error) {
        // Whatever is wrong with it, it is none of ours.
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}

function fromClaims({ username, revision, exp = 0 }: JWTPayload, now: Date): SignedToken | undefined {
  if (typeof username !== 'string' || username === '') return undefined;
  if (typeof revision !== 'number' || !Number.isSafeInteger(revision) || revision < 0) return undefined;
  return { user: { name: username, revision }, expiresInMs: exp * 1_000 - now.getTime() };
}

function keysOf({ signMethod, privateKey, publicKey }: JwtOptions): {
  signs: KeyObject | undefined;
  verifies: KeyObject;
} {
  if (signMethod.startsWith('HS')) {
    const secret = privateKey ?? publicKey;
    if (secret === undefined) throw new InvalidArgumentError(`${FIELD} priv-key`, undefined, 'given: the secret');
    const key = createSecretKey(Buffer.from(secret as string));
    return { signs: key, verifies: key };
  }
  const signs = privateKey === undefined ? undefined : orInvalid('priv-key', () => createPrivateKey(pemOf(privateKey)));
  if (publicKey !== undefined)
    return { signs, verifies: orInvalid('pub-key', () => createPublicKey(pemOf(publicKey))) };
  if (signs === undefined) throw new InvalidArgumentError(`${FIELD} pub-key`, undefined, 'given, or a private key');
  return { signs, verifies: createPublicKey(signs) };
}

function orInvalid(name: string, read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    // The cause may quote the key.
    throw new InvalidArgumentError(`${FIELD} ${name}`, 'something else', 'a key as PEM');
  }
}

function pemOf(key: string | Uint8Array): string {
  return typeof key === 'string' ? key : Buffer.from(key).toString('utf8');
}

/** Of etcd's text. */
async function readJwtOptions(text: string): Promise<JwtOptions> {
  const [kind, ...parts] = text.split(',');
  if (kind !== 'jwt') throw new InvalidArgumentError(FIELD, text, "'simple', or 'jwt' with its options");
  const options = new Map(parts.map((part) => optionOf(part)));
  const signMethod = options.get('sign-method');
  if (signMethod === undefined) throw new InvalidArgumentError(`${FIELD} sign-method`, undefined, 'given');
  const [privateKey, publicKey] = await Promise.all([keyFile(options, 'priv-key'), keyFile(options, 'pub-key')]);
  const ttl = ttlOf(options.get('ttl'));
  return {
    signMethod,
    ...(ttl !== undefined && { ttl }),
    ...(privateKey !== undefined && { privateKey }),
    ...(publicKey !== undefined && { publicKey }),
  };
}

function ttlOf(text: string | undefined): Duration | undefined {
  if (text === undefined) return undefined;
  const ms = parseGoDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`${FIELD} ttl`, text, "a duration such as '5m' or '1h30m'");
  return `${ms}ms`;
}

const KNOWN_OPTIONS = ['sign-method', 'priv-key', 'pub-key', 'ttl'];

function optionOf(part: string): readonly [name: string, value: string] {
  const at = part.indexOf('=');
  const name = part.slice(0, Math.max(0, at));
  if (KNOWN_OPTIONS.includes(name) && at + 1 < part.length) return [name, part.slice(at + 1)];
  throw new InvalidArgumentError(FIELD, part, `an option such as ttl=5m, and one of ${KNOWN_OPTIONS.join(', ')}`);
}

async function keyFile(options: ReadonlyMap<string, string>, name: string): Promise<Uint8Array | undefined> {
  const path = options.get(name);
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch {
    throw new InvalidArgumentError(`${FIELD} ${name}`, path, 'the path of a file that can be read');
  }
}
