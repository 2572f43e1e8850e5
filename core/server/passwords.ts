import { createHash, randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { InvariantError } from '../base/assert.js';
import type { Secrets } from '../member/secrets.js';

/** As RFC 7914 recommends: blocks of 1 KiB, one lane. With them a hash takes N KiB of memory. */
const BLOCK_SIZE = 8;
const LANES = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/=]+)\$([\w+/=]+)$/;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/**
 * Secrets by the operating system's chance, SHA-256, and scrypt, which libuv's threads compute.
 *
 * A hash is kept with its parameters, in the form of the PHC: `$scrypt$ln=14,r=8,p=1$<salt>$<hash>`. So the cost may be
 * changed at any time: it holds for passwords that are set from then on.
 *
 * @param cost - of a hash: the logarithm, base 2, of scrypt's N
 * @remarks Source: RFC 7914; OWASP, "Password Storage Cheat Sheet"
 */
export function secretsOf(cost: number): Secrets {
  /** A hash of a password that nobody knows. */
  let nobodys: Promise<string> | undefined;
  return {
    letters: (count) => Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join(''),
    digest: (text) => createHash('sha256').update(text).digest(),
    hash: (password) => hashOf(password, cost),
    async matches(password, hash) {
      if (hash !== undefined) return isOf(password, hash);
      nobodys ??= hashOf(randomBytes(HASH_BYTES).toString('base64'), cost);
      await isOf(password, await nobodys);
      return false;
    },
  };
}

async function hashOf(password: string, cost: number): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derived(password, salt, HASH_BYTES, { cost, blockSize: BLOCK_SIZE, lanes: LANES });
  return `$scrypt$ln=${cost},r=${BLOCK_SIZE},p=${LANES}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** @throws {@link InvariantError} if it is no hash of ours */
async function isOf(password: string, hash: string): Promise<boolean> {
  const [, cost, blockSize, lanes, salt, expected] = FORM.exec(hash) ?? [];
  if (salt === undefined || expected === undefined) throw new InvariantError('a password is kept as a hash of scrypt');
  const bytes = Buffer.from(expected, 'base64');
  const parameters = { cost: Number(cost), blockSize: Number(blockSize), lanes: Number(lanes) };
  const actual = await derived(password, Buffer.from(salt, 'base64'), bytes.length, parameters);
  return timingSafeEqual(actual, bytes);
}

interface Parameters {
  readonly cost: number;
  readonly blockSize: number;
  readonly lanes: number;
}

function derived(password: string, salt: Buffer, bytes: number, parameters: Parameters): Promise<Buffer> {
  const { cost, blockSize, lanes } = parameters;
  const [N, r, p] = [2 ** cost, blockSize, lanes];
  // What it takes, and as much again for what node:crypto adds.
  return derive(password, salt, bytes, { N, r, p, maxmem: 2 * 128 * N * r });
}
