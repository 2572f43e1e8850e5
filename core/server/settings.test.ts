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

  test('a quota may be below 0, and 0 leaves it as it is', () => {
    expect(resolveSettings({ quotaBackendBytes: -1 }).quotaBackendBytes).toBe(-1);
    expect(resolveSettings({ quotaBackendBytes: 0 })).toEqual(DEFAULTS);
    expect(() => resolveSettings({ quotaBackendBytes: 1.5 })).toThrow(/quotaBackendBytes/);
  });

  test('an election timeout is five heartbeats at least, and fifty seconds at most', () => {
    expect(resolveSettings({ heartbeatMs: 60, electionTimeoutMs: 300 }).electionTimeoutMs).toBe(300);
    expect(() => resolveSettings({ heartbeatMs: 61, electionTimeoutMs: 300 })).toThrow(/electionTimeoutMs/);
    expect(resolveSettings({ electionTimeoutMs: 50_000 }).electionTimeoutMs).toBe(50_000);
    expect(() => resolveSettings({ electionTimeoutMs: 50_001 })).toThrow(/electionTimeoutMs/);
  });

  test('the least TTL of a lease follows the election timeout, unless it is given', () => {
    expect(resolveSettings({ electionTimeoutMs: 5_000 }).leaseTtlMinSeconds).toBe(8);
    expect(resolveSettings({ electionTimeoutMs: 5_000, leaseTtlMinSeconds: 1 }).leaseTtlMinSeconds).toBe(1);
  });
});
