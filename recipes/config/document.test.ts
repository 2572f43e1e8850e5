import { describe, expect, test } from '@jest/globals';
import { changedPaths, deepFreeze } from './document.js';

describe('changedPaths', () => {
  test('names the deepest path, and what was there before and after', () => {
    expect(changedPaths({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, c: 4 }, e: 5 })).toEqual([
      { path: 'a.c', before: 2, after: 4 },
      { path: 'd', before: 3 },
      { path: 'e', after: 5 },
    ]);
  });

  test('takes lists, dates and maps as wholes, by what they hold', () => {
    const make = () => ({ list: [{ a: 1 }], at: new Date(5), map: new Map([['a', 1]]) });

    expect(changedPaths(make(), make())).toEqual([]);
    expect(changedPaths(make(), { ...make(), at: new Date(6) })).toEqual([
      { path: 'at', before: new Date(5), after: new Date(6) },
    ]);
    expect(changedPaths(make(), { ...make(), list: [] })).toEqual([{ path: 'list', before: [{ a: 1 }], after: [] }]);
  });

  test('names an object that became something else as a whole', () => {
    expect(changedPaths({ a: { b: 1 } }, { a: 1 })).toEqual([{ path: 'a', before: { b: 1 }, after: 1 }]);
  });

  test('is not misled by names that every object knows', () => {
    expect(changedPaths({}, { constructor: 1, toString: 2 })).toEqual([
      { path: 'constructor', after: 1 },
      { path: 'toString', after: 2 },
    ]);
  });

  test('a document as a whole has the empty path', () => {
    expect(changedPaths(1, 2)).toEqual([{ path: '', before: 1, after: 2 }]);
  });
});

describe('deepFreeze', () => {
  test('freezes objects and lists all the way down', () => {
    const frozen = deepFreeze({ a: [{ b: 1 }] });

    expect(() => {
      (frozen.a[0] as { b: number }).b = 2;
    }).toThrow(TypeError);
    expect(() => (frozen.a as unknown[]).push(1)).toThrow(TypeError);
  });

  test('leaves alone what is neither, and what refers to itself ends', () => {
    const bytes = new Uint8Array(2);
    const cycle: Record<string, unknown> = { bytes };
    cycle['self'] = cycle;

    deepFreeze(cycle);

    expect(Object.isFrozen(cycle)).toBe(true);
    bytes[0] = 7;
    expect(bytes[0]).toBe(7);
  });
});
