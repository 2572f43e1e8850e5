import { describe, expect, test } from '@jest/globals';
import { toJson, writeJson } from './go-json.js';
import { goQuote } from './go-quote.js';
import { bytesOfWord, goUnquote, wordsOf } from './go-words.js';
import { goDurationText, leaseHex, parseLeaseId } from './wording.js';

/** Expected texts are what Go prints for the same bytes. */
const QUOTED: readonly (readonly [Uint8Array, string])[] = [
  [Buffer.from('plain é 世 "q" \\'), '"plain é 世 \\"q\\" \\\\"'],
  [Buffer.from('\u0007\b\f\n\r\t\v'), '"\\a\\b\\f\\n\\r\\t\\v"'],
  [Uint8Array.of(0x00, 0x1f, 0x7f, 0x80, 0xff), '"\\x00\\x1f\\x7f\\x80\\xff"'],
  // A character that is cut off, one that is too long for what it is, and half of a pair.
  [Uint8Array.of(0xe4, 0xb8), '"\\xe4\\xb8"'],
  [Uint8Array.of(0xc0, 0x80), '"\\xc0\\x80"'],
  [Uint8Array.of(0xed, 0xa0, 0x80), '"\\xed\\xa0\\x80"'],
  [Buffer.from('\u00a0\u200b\ufeff\u{e0001}\u{1f600}'), '"\\u00a0\\u200b\\ufeff\\U000e0001\u{1f600}"'],
  [Buffer.from(''), '""'],
];

describe('Go’s quoting', () => {
  test.each(QUOTED)('%j is %s', (bytes, text) => {
    expect(goQuote(bytes)).toBe(text);
  });

  test.each(QUOTED)('%j is what %s stands for', (bytes, text) => {
    expect(goUnquote(text)).toEqual(Buffer.from(bytes));
  });

  test.each(['', '"', 'a', '"a', '"\\q"', '"\\x1"', '"\\u12"', '"\\"'])('%j is none', (text) => {
    expect(goUnquote(text)).toBeUndefined();
  });

  test('words of a line are parted by spaces, unless they are quoted, and keep every byte', () => {
    const words = wordsOf(`put "a key" 'it is' --prev-kv "\\xff\\n" l1\\n`);

    expect(words.map((word) => bytesOfWord(word).toString('latin1'))).toEqual([
      ...['put', 'a key', 'it is', '--prev-kv'],
      ...['\xff\n', 'l1\\n'],
    ]);
    expect(bytesOfWord('é世\u{1f600}').toString()).toBe('é世\u{1f600}');
  });
});

describe('Go’s JSON', () => {
  test('leaves out what is empty, and has numbers of 64 bits whole', () => {
    const message = {
      ID: 0xffffffffffffffffn,
      raftTerm: 0,
      peerURLs: [],
      prevKv: { key: Buffer.from([0xff]) },
      more: false,
    };

    expect(writeJson(toJson(message))).toBe('{"ID":18446744073709551615,"prev_kv":{"key":"/w=="}}');
  });

  test('names one of several in Go’s way', () => {
    const message = { response: { $case: 'responsePut', responsePut: { header: { revision: 3 } } } };

    expect(writeJson(toJson(message))).toBe('{"Response":{"ResponsePut":{"header":{"revision":3}}}}');
  });

  test('escapes what HTML could take for its own', () => {
    expect(writeJson('<a&b>"\u2028')).toBe('"\\u003ca\\u0026b\\u003e\\"\\u2028"');
  });
});

describe('words of etcdctl', () => {
  test.each([
    [0, '0s'],
    [0.0005, '500ns'],
    [0.992377, '992.377µs'],
    [1.094186, '1.094186ms'],
    [5_000.816147, '5.000816147s'],
    [60_500, '1m0.5s'],
    [3_661_000, '1h1m1s'],
  ])('%p ms are %s', (ms, text) => {
    expect(goDurationText(ms)).toBe(text);
  });

  test('the id of a lease has 16 digits, and is read with fewer', () => {
    expect(leaseHex(0x1234n)).toBe('0000000000001234');
    expect(parseLeaseId('1234')).toBe(0x1234n);
    expect(parseLeaseId('7fffffffffffffff')).toBe(0x7fffffffffffffffn);
    for (const text of ['', 'xyz', '0x12', '8000000000000000', '10000000000000000']) {
      expect(() => parseLeaseId(text)).toThrow('lease id is');
    }
  });
});
