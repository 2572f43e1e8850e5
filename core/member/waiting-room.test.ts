import { expect, test } from '@jest/globals';
import { WaitingRoom } from './waiting-room.js';

/** Work that ends when the test says so. */
class Works {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, (error?: Error) => void>();

  work = (name: number) => () => {
    this.begun.push(name);
    return new Promise<number>((resolve, reject) => {
      this.#ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  };

  end(name: number, error?: Error): void {
    this.#ends.get(name)?.(error);
  }
}

test('so much is done at one time, the rest in the order of arrival, and no more may wait than that', async () => {
  const room = new WaitingRoom('passwords', { atOnceMax: 2, waitingMax: 2 });
  const works = new Works();
  const results = [1, 2, 3, 4].map((name) => room.run(works.work(name)));
  expect(works.begun).toEqual([1, 2]);

  await expect(room.run(works.work(5))).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', message: /limit of 2/ });
  works.end(2);
  await results[1];
  await Promise.resolve();
  expect(works.begun).toEqual([1, 2, 3]);

  const late = room.run(works.work(6));
  for (const name of [1, 3, 4, 6]) {
    works.end(name);
    await Promise.resolve().then(() => new Promise(setImmediate));
  }
  expect(works.begun).toEqual([1, 2, 3, 4, 6]);
  for (const name of [4, 6]) works.end(name);
  expect(await Promise.all([...results, late])).toEqual([1, 2, 3, 4, 6]);
});

test('work that fails makes room as well', async () => {
  const room = new WaitingRoom('passwords', { atOnceMax: 1, waitingMax: 1 });
  const works = new Works();
  const first = room.run(works.work(1));
  const second = room.run(works.work(2));
  works.end(1, new Error('gone'));

  await expect(first).rejects.toThrow('gone');
  works.end(2);
  await new Promise(setImmediate);
  works.end(2);
  expect(await second).toBe(2);
});
