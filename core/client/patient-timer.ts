import type { Clock, Timer } from '../base/clock.js';

/**
 * A deadline for something that comes over the network: when it fires, what has arrived by then is still looked at
 * first. A process that was busy, or asleep, for longer than the deadline would otherwise call a good answer lost.
 */
export function deadlineAfter(clock: Clock, delayMs: number, callback: () => void): Timer {
  let isCancelled = false;
  const timer = clock.after(delayMs, () =>
    clock.soon(() => {
      if (!isCancelled) callback();
    }),
  );
  return {
    cancel() {
      isCancelled = true;
      timer.cancel();
    },
  };
}
