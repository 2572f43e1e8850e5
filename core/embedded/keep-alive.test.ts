import { afterEach, expect, test } from '@jest/globals';
import { KeepAlive } from './keep-alive.js';

const opened: KeepAlive[] = [];
afterEach(() => opened.splice(0).forEach((keepAlive) => keepAlive.close()));

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

test('the process is kept alive while at least one holds it', () => {
  const before = timers();
  const keepAlive = new KeepAlive();
  opened.push(keepAlive);
  expect(timers()).toBe(before);

  keepAlive.hold();
  keepAlive.hold();
  keepAlive.release();
  expect(timers()).toBe(before + 1);

  keepAlive.release();
  expect(timers()).toBe(before);
});
