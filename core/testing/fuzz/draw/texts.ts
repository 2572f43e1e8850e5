import type { Chance } from '../chance.js';

/** So few that requests meet: keys below `b` are those that the caller with few rights may change. */
const KEYS = ['', '\0', 'a', 'aa', 'ab', 'b', 'ba', 'bb', 'c', '\xff'];
const NAMES = ['', 'root', 'alice', 'few', 'none', '\0', 'a b'];
const PASSWORDS = ['', 'pw', 'x'.repeat(3_000)];
const URLS = ['', 'http://a:1', 'http://127.0.0.1:1', 'https://[::1]:2', 'unix://x', 'a', 'http://a:1/path'];
const VERSIONS = ['', '3.4.0', '3.6', '9.9.9', 'x'];
/** Longer than any name has a use for. */
const LONG_BYTES = 5_000;

/** A text or bytes for a field of this name: what means something there, mostly. */
export function drawText(fieldName: string, chance: Chance): Buffer {
  if (chance.oneIn(100)) return Buffer.alloc(LONG_BYTES, 'k');
  if (chance.oneIn(20)) return chance.bytes();
  return Buffer.from(chance.pick(wordsFor(fieldName)), 'latin1');
}

function wordsFor(fieldName: string): readonly string[] {
  if (/urls?$/i.test(fieldName)) return URLS;
  if (/password/i.test(fieldName)) return PASSWORDS;
  if (/^(user|role)/.test(fieldName)) return NAMES;
  if (fieldName === 'version') return VERSIONS;
  return fieldName === 'name' ? [...NAMES, ...KEYS] : KEYS;
}
