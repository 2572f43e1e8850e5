import { describe, expect, test } from '@jest/globals';
import { Feed } from './feed.js';

const sum = (itemsMax: number) => new Feed<number>({ itemsMax, merge: (items) => items.reduce((a, b) => a + b, 0) });

async function take<T>(reader: AsyncIterator<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  while (items.length < count) items.push(((await reader.next()) as IteratorYieldResult<T>).value);
  return items;
}

describe('Feed', () => {
  test('a reader gets every item that comes after it began, in order', async () => {
    const feed = sum(8);
    feed.push(1);
    const reader = feed.read();

    for (const item of [2, 3, 4]) feed.push(item);

    expect(await take(reader, 3)).toEqual([2, 3, 4]);
  });

  test('a reader that is waiting gets the next item at once', async () => {
    const feed = sum(1);
    const next = feed.read().next();

    feed.push(7);

    expect(await next).toEqual({ done: false, value: 7 });
  });

  test('a slow reader keeps as many items as its bound; one more merges all of them into one', async () => {
    const feed = sum(3);
    const [atBound, pastBound] = [feed.read(), feed.read()];
    for (const item of [1, 2, 3]) feed.push(item);
    expect(await take(atBound, 3)).toEqual([1, 2, 3]);

    feed.push(4);

    expect(await take(pastBound, 1)).toEqual([10]);
  });

  test('items that together say nothing leave nothing behind', async () => {
    const feed = new Feed<number>({ itemsMax: 1, merge: () => undefined });
    const reader = feed.read();

    for (const item of [1, 2, 3]) feed.push(item);

    expect(await take(reader, 1)).toEqual([3]);
  });

  test('breaking out of the loop ends the reader', async () => {
    const feed = sum(4);
    const reader = feed.read({ first: 1 });
    expect(feed.readerCount).toBe(1);

    for await (const item of reader) if (item === 1) break;

    expect(feed.readerCount).toBe(0);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test('an abort rejects the read with its reason and takes the reader off', async () => {
    const feed = sum(4);
    const controller = new AbortController();
    const next = feed.read({ signal: controller.signal }).next();

    controller.abort(new Error('enough'));

    await expect(next).rejects.toThrow('enough');
    expect(feed.readerCount).toBe(0);
  });

  test('a signal that has aborted already rejects the first read', async () => {
    const reader = sum(4).read({ signal: AbortSignal.abort(new Error('too late')) });

    await expect(reader.next()).rejects.toThrow('too late');
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test('the end comes after what is still kept, and an error is told once', async () => {
    const feed = sum(4);
    const reader = feed.read();
    feed.push(1);

    feed.end(new Error('over'));

    expect(await take(reader, 1)).toEqual([1]);
    await expect(reader.next()).rejects.toThrow('over');
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    await expect(feed.read().next()).rejects.toThrow('over');
  });
});
