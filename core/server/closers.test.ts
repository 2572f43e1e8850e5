import { expect, test } from '@jest/globals';
import { Closers } from './closers.js';

test('what was opened last is closed first, each thing once, whatever fails', async () => {
  const closers = new Closers();
  const closed: string[] = [];
  closers.add(async () => void closed.push('first'));
  closers.add(() => Promise.reject(new Error('no')));
  closers.add(async () => void closed.push('last'));

  await expect(closers.close()).rejects.toThrow('no');
  await expect(closers.close()).rejects.toThrow('no');

  expect(closed).toEqual(['last', 'first']);
});
