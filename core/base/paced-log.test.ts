import { expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { PacedLog } from './paced-log.js';

function paced() {
  const clock = new ManualClock();
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = new PacedLog({ debug: write, info: write, warn: write, error: write }, clock);
  return { clock, lines, log };
}

test('the same is said of the same member once a minute', async () => {
  const { clock, lines, log } = paced();
  log.warn('a', { at: 1 }, 'refused');
  log.warn('a', { at: 2 }, 'refused');
  log.warn('b', { at: 3 }, 'refused');
  log.warn('a', { at: 4 }, 'broke');
  await clock.advance(59_999);
  log.warn('a', { at: 5 }, 'refused');
  await clock.advance(1);
  log.warn('a', { at: 6 }, 'refused');
  expect(lines).toEqual(['refused {"at":1}', 'refused {"at":3}', 'broke {"at":4}', 'refused {"at":6}']);
});

test('what is remembered is bounded: 256 things a minute are said, and not one more', async () => {
  const { clock, lines, log } = paced();
  for (let at = 0; at < 257; at += 1) log.info(`stranger ${at}`, {}, 'refused');
  expect(lines).toHaveLength(256);
  await clock.advance(60_000);
  log.info('stranger 256', {}, 'refused');
  expect(lines).toHaveLength(257);
});
