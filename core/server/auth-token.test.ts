import { createPrivateKey, generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { get, put } from '../txn.js';
import { jwtSigner, type JwtOptions, signerOf } from './auth-token.js';
import { startMember } from './start-member.js';

const ANN = { name: 'ann', revision: 7 };
const RSA = pemOf(generateKeyPairSync('rsa', { modulusLength: 2_048 }));
const OTHER = pemOf(generateKeyPairSync('rsa', { modulusLength: 2_048 }));

const KEYS: Readonly<Record<string, Omit<JwtOptions, 'signMethod'>>> = {
  RS256: RSA,
  PS512: RSA,
  ES256: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  ES512: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })),
  EdDSA: pemOf(generateKeyPairSync('ed25519')),
  HS256: { privateKey: 'a secret of at least thirty-two bytes' },
};

function pemOf({ publicKey, privateKey }: KeyPairKeyObjectResult) {
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

describe.each(Object.entries(KEYS))('a token that is signed by %s', (signMethod, keys) => {
  test('says whose it is, since when and until when', async () => {
    const signer = jwtSigner({ signMethod, ...keys, ttl: '10m' }, () => new Date(5_000_000));
    const token = await signer.sign(ANN);

    expect(decodeJwt(token)).toEqual({ username: 'ann', revision: 7, exp: 5_600 });
    expect(await signer.verify(token)).toEqual({ user: ANN, expiresInMs: 600_000 });
  });

  test('is good no longer than that', async () => {
    let nowMs = 5_000_000;
    const signer = jwtSigner({ signMethod, ...keys }, () => new Date(nowMs));
    const token = await signer.sign(ANN);
    nowMs += 299_000;
    expect(await signer.verify(token)).toMatchObject({ expiresInMs: 1_000 });
    nowMs += 1_000;

    expect(await signer.verify(token)).toBeUndefined();
  });
});

describe('a token is none of ours', () => {
  const signer = jwtSigner({ signMethod: 'RS256', ...RSA });
  const foreign = (claims: object, alg = 'RS256') => new SignJWT({ ...claims }).setProtectedHeader({ alg });
  const claims = { username: 'ann', revision: 7 };

  test.each<readonly [string, () => Promise<string>]>([
    ['if it is a text', async () => 'abcdefghijklmnop.5'],
    ['if nobody signed it', async () => new UnsecuredJWT(claims).setExpirationTime('5m').encode()],
    ['if another key signed it', () => jwtSigner({ signMethod: 'RS256', ...OTHER }).sign(ANN)],
    ['if our key signed it by another method', () => jwtSigner({ signMethod: 'PS256', ...RSA }).sign(ANN)],
    [
      'if what everybody knows of our key is the secret',
      () => foreign(claims, 'HS256').setExpirationTime('5m').sign(Buffer.from(RSA.publicKey)),
    ],
    ['if it is good for ever', () => foreign(claims).sign(createPrivateKey(RSA.privateKey))],
    [
      'if it names nobody',
      async () => foreign({ revision: 7 }).setExpirationTime('5m').sign(createPrivateKey(RSA.privateKey)),
    ],
    [
      'if its revision is no number',
      async () =>
        foreign({ ...claims, revision: 'x' })
          .setExpirationTime('5m')
          .sign(createPrivateKey(RSA.privateKey)),
    ],
  ])('%s', async (_, make) => {
    expect(await signer.verify(await make())).toBeUndefined();
  });
});

test('a member with the public key alone takes tokens, and gives none', async () => {
  const reader = jwtSigner({ signMethod: 'RS256', publicKey: RSA.publicKey });
  const token = await jwtSigner({ signMethod: 'RS256', privateKey: RSA.privateKey }).sign(ANN);

  expect(await reader.verify(token)).toMatchObject({ user: ANN });
  await expect(reader.sign(ANN)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: /priv-key/ });
});

describe('as etcd says it', () => {
  let folder: string;
  let paths: { readonly priv: string; readonly pub: string };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'auth-token-'));
    paths = { priv: join(folder, 'key'), pub: join(folder, 'pub') };
    await writeFile(paths.priv, RSA.privateKey);
    await writeFile(paths.pub, RSA.publicKey);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('tokens are simple, or signed with keys from files', async () => {
    expect(await signerOf()).toBeUndefined();
    expect(await signerOf('simple')).toBeUndefined();
    const text = `jwt,pub-key=${paths.pub},priv-key=${paths.priv},sign-method=RS256,ttl=1h30m`;
    const signer = await signerOf(text);

    const read = await signer?.verify(await signer.sign(ANN));
    expect(read).toMatchObject({ user: ANN });
    expect(Math.ceil((read?.expiresInMs ?? 0) / 60_000)).toBe(90);
  });

  test.each([
    ['another kind', 'opaque', /authToken is "opaque"/],
    ['no method', 'jwt', /sign-method/],
    ['an unknown method', 'jwt,sign-method=none', /sign-method is "none"/],
    ['no key', 'jwt,sign-method=RS256', /pub-key/],
    ['no secret', 'jwt,sign-method=HS256', /priv-key/],
    ['an unknown option', 'jwt,sign-method=RS256,key=x', /key=x/],
    ['an empty option', 'jwt,sign-method=', /sign-method=/],
    ['a file that is not there', 'jwt,sign-method=RS256,priv-key=/no/such/file', /\/no\/such\/file/],
    ['a time that is none', 'jwt,sign-method=RS256,priv-key=KEY,ttl=soon', /ttl is "soon"/],
    ['a time without a unit', 'jwt,sign-method=RS256,priv-key=KEY,ttl=5', /ttl is "5"/],
    ['no time at all', 'jwt,sign-method=RS256,priv-key=KEY,ttl=5ms', /ttl is "5ms"/],
  ])('%s is refused by what is wrong with it', async (_, text, message) => {
    await expect(signerOf(text.replace('KEY', paths.priv))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message,
    });
  });

  test('a key that is none is refused, and not quoted', async () => {
    const secret = 'very secret text';
    await expect(signerOf({ signMethod: 'RS256', privateKey: secret })).rejects.toMatchObject({
      message: expect.not.stringContaining(secret) as unknown,
    });
  });
});

test('a member takes signed tokens until their user is changed, and lets other changes pass', async () => {
  const authToken = { signMethod: 'EdDSA', ...KEYS['EdDSA'] };
  const { member, close } = await startMember({ memory: true }, { authToken, authPasswordCost: 4 });
  const { auth, callers } = member;
  for (const name of ['root', 'ann']) await auth.change({ type: 'userAdd', name, password: 'pw' });
  await auth.change({ type: 'userGrant', name: 'root', role: 'root' });
  await auth.change({ type: 'userGrant', name: 'ann', role: 'root' });
  const early = await jwtSigner(authToken).sign({ name: 'ann', revision: 1 });
  expect((await (await callers.of({ token: early })).put(put('k', ''))).revision).toBe(2);
  await auth.change({ type: 'enable' });

  const token = await auth.authenticate('ann', 'pw');
  await auth.change({ type: 'userAdd', name: 'bob', password: 'pw' });
  const ann = await callers.of({ token });
  expect((await ann.range(get('k'))).count).toBe(1);
  expect(await callers.of({ token })).toBe(ann);

  await expect(callers.of({ token: early })).rejects.toMatchObject({ code: 'AUTH_REVISION_OLD' });
  await expect(callers.of({ token: `${token}x` })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
  await auth.change({ type: 'userPassword', name: 'ann', password: 'other' });
  await expect(callers.of({ token })).rejects.toMatchObject({ code: 'AUTH_REVISION_OLD' });
  await expect(ann.range(get('k'))).rejects.toMatchObject({ code: 'AUTH_REVISION_OLD' });
  await auth.change({ type: 'userDelete', name: 'ann' });
  await expect(callers.of({ token })).rejects.toMatchObject({ code: 'INVALID_AUTH_TOKEN' });
  await close();
});
