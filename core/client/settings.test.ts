import { describe, expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import { backoffMs, clientSettings } from './settings.js';

describe('settings', () => {
  test('ask a silent watch stream sooner where there is another endpoint to go to, unless told', () => {
    expect(clientSettings({}, 1).watchIdleMs).toBe(5_000);
    expect(clientSettings({}, 3).watchIdleMs).toBe(1_000);
    expect(clientSettings({ watchIdleMs: 7 }, 1).watchIdleMs).toBe(7);
    expect(clientSettings({ autoSyncIntervalMs: 1 }, 1).watchIdleMs).toBe(1_000);
  });

  test('are refused by name below their least value', () => {
    expect(clientSettings({ retriesMax: 0, suspectMs: 1 })).toMatchObject({ retriesMax: 0, suspectMs: 1 });
    expect(() => clientSettings({ retriesMax: -1 })).toThrow('retriesMax');
    expect(() => clientSettings({ suspectMs: 0 })).toThrow('suspectMs');
  });

  test('space repetitions between half and all of a pause that doubles up to its limit', () => {
    const settings = clientSettings({ prng: seededPrng(1), backoffMs: 100, backoffMaxMs: 400 });

    for (const [failures, full] of [100, 200, 400, 400].entries()) {
      const pauseMs = backoffMs(settings, failures + 1);
      expect(pauseMs).toBeGreaterThanOrEqual(full / 2);
      expect(pauseMs).toBeLessThanOrEqual(full);
    }
  });
});
