import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;
const DEADLINE_MS = 10_000;

/** Waits in real time until something is so; for stores whose time cannot be turned by hand. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${DEADLINE_MS} ms`);
    await delay(POLL_MS);
  }
}
