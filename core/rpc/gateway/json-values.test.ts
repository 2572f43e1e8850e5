import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonValues } from './json-values.js';

const LIMITS = { bytesMax: 1_000, depthMax: 10 };

/** What comes of a text that arrives in pieces. */
function valuesOf(text: string, pieceBytes = text.length || 1, limits = LIMITS): unknown[] {
  const values = new JsonValues(limits);
  const bytes = Buffer.from(text);
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) found.push(...values.push(bytes.subarray(at, at + pieceBytes)));
  return [...found, ...values.end()];
}

/** A long integer as JavaScript has it. */
const rounded = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);

describe('JSON values in a stream', () => {
  test('follow each other with anything or nothing between them', () => {
    expect(valuesOf('{"a":[1,{}]}{"b":"}{"}\n[]  7 "x"\ttrue')).toEqual([
      { a: [1, {}] },
      { b: '}{' },
      [],
      7,
      'x',
      true,
    ]);
  });

  test('are the same however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.array(fc.jsonValue()))),
        fc.integer({ min: 1, max: 7 }),
        (given, pieceBytes) => {
          const text = given.map((each) => JSON.stringify(each)).join('\n');
          const limits = { bytesMax: 100_000, depthMax: 100 };

          const found = valuesOf(text, pieceBytes, limits);

          expect(JSON.stringify(found, rounded)).toBe(JSON.stringify(given));
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  test('keep integers exact that a JavaScript number would round, and only those', () => {
    expect(valuesOf('{"a":7587862969930098182,"b":-9223372036854775808,"c":123456789012345}', 3)).toEqual([
      { a: 7587862969930098182n, b: -9223372036854775808n, c: 123456789012345 },
    ]);
    expect(valuesOf('{"a":0.12345678901234567,"b":"7587862969930098182","c":1234567890123456e2}')).toEqual([
      { a: 0.12345678901234567, b: '7587862969930098182', c: 123456789012345600 },
    ]);
  });

  test('may have a text that looks like what stands for such an integer', () => {
    expect(valuesOf('{"a":"\\u0000x","b":7587862969930098182}')).toEqual([{ a: '\0x', b: 7587862969930098182n }]);
  });

  test.each([
    ['bad', "invalid character 'b' looking for beginning of value"],
    ['{"key":', 'unexpected EOF'],
    ['{"key":"abc', 'unexpected EOF'],
    ['{"key":}', 'Unexpected token'],
    ['{"key":1]', 'JSON'],
  ])('%j is refused', (text, reason) => {
    expect(() => valuesOf(text)).toThrow(reason);
  });

  test('may be as large as the limit, and not a byte larger', () => {
    const ofBytes = (bytes: number) => JSON.stringify({ a: 'x'.repeat(bytes - 8) });

    expect(valuesOf(ofBytes(LIMITS.bytesMax), 100)).toHaveLength(1);
    expect(() => valuesOf(ofBytes(LIMITS.bytesMax + 1), 100)).toThrow('a JSON value is larger than 1000 bytes');
  });

  test('may be as deep as the limit, and no deeper', () => {
    const ofDepth = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

    expect(valuesOf(ofDepth(LIMITS.depthMax))).toHaveLength(1);
    expect(() => valuesOf(ofDepth(LIMITS.depthMax + 1))).toThrow('at most 10 levels deep');
  });
});
