/** A comparison that cannot fail proves nothing: each kind of expectation is shown to refuse what it must. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { shownAs } from './compare.js';
import { anything, b, between, including, jsonWith, like, n, named, positive, unordered } from './notation.js';
import { isSince } from './versions.js';
import { World } from './world.js';

function worldAt(revision: bigint): World {
  return Object.assign(new World(), { revision });
}

const world = worldAt(100n);
const inBase64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

describe('what arrived is told from what was expected:', () => {
  test.each<[string, unknown, accepted: unknown, refused: unknown]>([
    ['a number', 2, 2n, 3n],
    ['a revision', 'r+2', 102, 103],
    ['a text', 'a', 'a', 'b'],
    ["a key of the case's own", '~a', `${world.prefix}a`, 'a'],
    ['a field too many', { a: 1 }, { a: 1 }, { a: 1, b: 1 }],
    ['a field too few', { a: 1, b: 1 }, { a: 1, b: 1 }, { a: 1 }],
    ['a list', [1, 2], [1n, 2n], [2n, 1n]],
    ['bytes in JSON', b('~a'), inBase64(`${world.prefix}a`), inBase64('a')],
    ['a number in JSON', n('r+2'), '102', '103'],
    ['a number in JSON that is no text', n(7), '7', 7],
    ['texts in any order', unordered('a', 'b'), ['b', 'a'], ['a', 'c']],
    ['texts in any order, one twice', unordered('a', 'b'), ['b', 'a'], ['a', 'b', 'b']],
    ['anything', anything, 1, undefined],
    ['a number above 0', positive, 5n, 0n],
    ['a number within bounds', between(1, 2), 2n, 3n],
    ['a pattern', like(/^a/), 'ab', 'ba'],
    ['a message with others', including({ a: 1 }), { a: 1n, b: 2 }, { b: 2 }],
    ['JSON with a field', jsonWith('a'), { a: '' }, { b: '' }],
  ])('%s', (_, expected, accepted, refused) => {
    expect(isDeepStrictEqual(shownAs(expected, accepted, world), expected)).toBe(true);
    expect(isDeepStrictEqual(shownAs(expected, refused, world), expected)).toBe(false);
  });

  test('a name is bound to what arrives first', () => {
    const fresh = worldAt(1n);

    expect(shownAs(['$id', '$id'], [7n, 7n], fresh)).toEqual(['$id', '$id']);
    expect(shownAs('$id', 8n, fresh)).not.toBe('$id');
  });

  test('a text that was named stands for itself from then on', () => {
    const fresh = worldAt(1n);

    shownAs(named('token'), 'abc', fresh);

    expect(fresh.text('Bearer {@token}')).toBe('Bearer abc');
    expect(shownAs('{@token}', 'abd', fresh)).toBe('abd');
  });
});

describe('a version', () => {
  test.each([
    ['3.4.23', '3.5', false],
    ['3.5.0', '3.5', true],
    ['3.10.0', '3.9', true],
    ['3.4.37', '3.4.38 3.5.24 3.6.6', false],
    ['3.4.38', '3.4.38 3.5.24 3.6.6', true],
    ['3.5.23', '3.4.38 3.5.24 3.6.6', false],
    ['3.7.0', '3.4.38 3.5.24 3.6.6', true],
    ['3.4.99', '3.5.24 3.6.6', false],
  ])('%s has what came with %s: %s', (version, since, has) => {
    expect(isSince(version, since)).toBe(has);
  });
});
