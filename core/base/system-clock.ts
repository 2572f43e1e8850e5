import type { Clock } from './clock.js';

/** The longest delay that Node's timers take; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's monotonic clock. Its timers keep a process running only while they are held. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(delayMs)), TIMER_MAX_MS));
    timer.unref();
    return { cancel: () => clearTimeout(timer), hold: () => void timer.ref() };
  },
  soon: (callback) => void setImmediate(callback),
};
