import { describe, expect, it } from '@jest/globals';
import { assertRoom, freeBytesAt } from './room.js';

const RESERVE_BYTES = 4 * 1024 * 1024;

describe('a transaction', () => {
  it('needs room for twice its data and a reserve', () => {
    const withFree = (free: number) => () => assertRoom('/data', 1_000, () => free);

    expect(withFree(RESERVE_BYTES + 2_000)).not.toThrow();
    expect(withFree(RESERVE_BYTES + 1_999)).toThrow(expect.objectContaining({ code: 'DATA_DIR_FULL', path: '/data' }));
  });
});

describe('the room there is', () => {
  it('is what the file system says', () => {
    expect(freeBytesAt('.')).toBeGreaterThan(0);
    expect(freeBytesAt('.')).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('is without limit where nobody says', () => {
    expect(freeBytesAt('/no/such/folder')).toBe(Number.POSITIVE_INFINITY);
  });
});
