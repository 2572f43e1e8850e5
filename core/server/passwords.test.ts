import { expect, test } from '@jest/globals';
import { secretsOf } from './passwords.js';

const secrets = secretsOf(4);

test('a password is found to be itself by its hash, which never is the same twice', async () => {
  const [one, two] = await Promise.all([secrets.hash('pässword'), secrets.hash('pässword')]);

  expect(one).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[\w+/=]+\$[\w+/=]+$/);
  expect(one).not.toBe(two);
  expect(await secrets.matches('pässword', one)).toBe(true);
  expect(await secrets.matches('password', one)).toBe(false);
  expect(await secrets.matches('', one)).toBe(false);
  expect(await secrets.matches('', await secrets.hash(''))).toBe(true);
});

test('a hash is checked by the cost at which it was made', async () => {
  const dear = await secretsOf(6).hash('pw');

  expect(await secrets.matches('pw', dear)).toBe(true);
});

test('of none nothing is the password, and to find that out costs a hash', async () => {
  const real = secretsOf(13);
  const hash = await real.hash('pw');
  await real.matches('', undefined);
  const time = async (work: () => Promise<unknown>) => {
    const fromMs = performance.now();
    await work();
    return performance.now() - fromMs;
  };

  expect(await secrets.matches('', undefined)).toBe(false);
  const ofNobody = await time(() => real.matches('wrong', undefined));
  const ofSomebody = await time(() => real.matches('wrong', hash));
  // Half at least: what would be answered without a hash takes no time at all.
  expect(ofNobody).toBeGreaterThan(ofSomebody / 2);
});

test('what is no hash of ours is not taken for one', async () => {
  await expect(secrets.matches('pw', '$2a$10$bcrypt')).rejects.toThrow(/scrypt/);
});

test('letters are letters, as many as are asked for, and others each time', () => {
  const drawn = Array.from({ length: 50 }, () => secrets.letters(16));

  for (const letters of drawn) expect(letters).toMatch(/^[A-Za-z]{16}$/);
  expect(new Set(drawn).size).toBe(50);
  expect(secrets.digest('a')).toEqual(secrets.digest('a'));
  expect(secrets.digest('a')).not.toEqual(secrets.digest('b'));
});
