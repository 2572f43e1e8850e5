import { describe, expect, test } from '@jest/globals';
import { DEFAULTS, resolveSettings } from './settings.js';

describe('settings', () => {
  test('what is not given has its default', () => {
    expect(resolveSettings({})).toEqual(DEFAULTS);
    expect(resolveSettings({ readsMax: 7 })).toEqual({ ...DEFAULTS, readsMax: 7 });
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number])('%p is refused', (value) => {
    expect(() => resolveSettings({ proposalsMax: value })).toThrow(/proposalsMax/);
  });

  test('a setting may be at its limit and not one above', () => {
    expect(resolveSettings({ leaseTtlMaxSeconds: 9_000_000_000 }).leaseTtlMaxSeconds).toBe(9_000_000_000);
    expect(() => resolveSettings({ leaseTtlMaxSeconds: 9_000_000_001 })).toThrow(/from 1 to 9000000000/);
  });
});
