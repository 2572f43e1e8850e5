import { describe, expect, test } from '@jest/globals';
import { drawTable } from './table.js';
import { humanBytes, parseId } from './wording.js';

describe('words of etcdctl', () => {
  test.each([
    [0, '0 B'],
    [9, '9 B'],
    [10, '10 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_950, '10 kB'],
    [20_480, '20 kB'],
    [1_500_000, '1.5 MB'],
    [2_147_483_648, '2.1 GB'],
  ])('%p bytes are %s', (bytes, words) => {
    expect(humanBytes(bytes)).toBe(words);
  });

  test('a table is drawn as etcdctl draws it', () => {
    expect(
      drawTable({ head: ['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE'], rows: [['4bc3a5a7', 2, 5, '20 kB']] }),
    ).toBe(
      [
        '+----------+----------+------------+------------+',
        '|   HASH   | REVISION | TOTAL KEYS | TOTAL SIZE |',
        '+----------+----------+------------+------------+',
        '| 4bc3a5a7 |        2 |          5 |      20 kB |',
        '+----------+----------+------------+------------+',
      ].join('\n'),
    );
  });

  test('an id is hexadecimal, of 64 bits at most', () => {
    expect(parseId('bdae9bbc11dd390d')).toBe(0xbdae9bbc11dd390dn);
    expect(parseId('0x1F')).toBe(31n);
    for (const text of ['', 'xyz', '-1', '1bdae9bbc11dd390d']) expect(() => parseId(text)).toThrow('id is');
  });
});
