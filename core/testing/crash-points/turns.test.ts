import { describe, expect, test } from '@jest/globals';
import { ended, turns } from './turns.js';

describe('work that must end', () => {
  test('may take as many turns of the event loop as it is given, and not one more', async () => {
    await ended(turns(7), 'the work', 7);

    await expect(ended(turns(8), 'the work', 7)).rejects.toThrow('the work does not end');
  });

  test('comes to what it comes to, be that an error', async () => {
    expect(await ended(Promise.resolve(4), 'the work')).toBe(4);
    await expect(ended(Promise.reject(new Error('broken')), 'the work')).rejects.toThrow('broken');
  });
});
