import { expect, it } from '@jest/globals';
import { RevisionList } from './revision-list.js';

function listOf(count: number): RevisionList {
  const list = new RevisionList();
  for (let at = 1; at <= count; at += 1) list.push(10 * at, at % 3, at % 5 === 0);
  return list;
}

function show(list: RevisionList): string {
  return Array.from({ length: list.length }, (_, at) => {
    return `${list.mainAt(at)}.${list.subAt(at)}${list.isTombstoneAt(at) ? '†' : ''}`;
  }).join(' ');
}

it('keeps main, sub and whether it is a tombstone', () => {
  expect(show(listOf(6))).toBe('10.1 20.2 30.0 40.1 50.2† 60.0');
});

it('keeps a tombstone at sub 0 apart from a put at sub 0', () => {
  const list = new RevisionList();
  list.push(5, 0, true);
  list.push(5, 1, false);

  expect(show(list)).toBe('5.0† 5.1');
});

it('finds the last revision at or before another', () => {
  const list = listOf(100);

  expect([9, 10, 11, 19, 20, 999, 1000, 5000].map((main) => list.lastAtOrBefore(main))).toEqual([
    -1, 0, 0, 0, 1, 98, 99, 99,
  ]);
});

it('finds the last of several in the same main revision', () => {
  const list = new RevisionList();
  list.push(4, 0, false);
  list.push(5, 0, false);
  list.push(5, 1, true);
  list.push(5, 2, false);
  list.push(6, 0, false);

  expect(list.lastAtOrBefore(5)).toBe(3);
});

it('drops from the front whatever its length, and grows on', () => {
  const list = listOf(300);
  for (let drop = 0; drop < 299; drop += 1) {
    list.dropFirst();
    expect(list.mainAt(0)).toBe(10 * (drop + 2));
  }
  list.push(9000, 1, false);

  expect(show(list)).toBe('3000.0† 9000.1');
  expect(list.lastAtOrBefore(2999)).toBe(-1);
  expect(list.lastAtOrBefore(3000)).toBe(0);
});
