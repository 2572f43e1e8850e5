import { describe, expect, test } from '@jest/globals';
import { EventLoopHold } from './event-loop.js';

/** Timers that keep this process running. */
const held = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

describe('the process', () => {
  test('runs on as long as somebody waits, and no longer', () => {
    const loop = new EventLoopHold();
    const before = held();

    loop.hold();
    loop.hold();
    loop.release();
    expect(held()).toBe(before + 1);
    loop.release();
    expect(held()).toBe(before);
    loop.hold();

    expect(held()).toBe(before + 1);
    loop.close();
    expect(held()).toBe(before);
    loop.release();
    loop.hold();
    expect(held()).toBe(before);
  });
});
