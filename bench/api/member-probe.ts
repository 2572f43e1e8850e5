/**
 * Loaded into the member's process before it starts (`NODE_OPTIONS=--import`): tells, to whoever connects to the socket
 * that `MEMBER_PROBE` names, for how long the event loop stood still at the longest since it was last asked, and how much
 * is on the heap.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';

/** What is told, as one line of JSON. */
export interface Probed {
  readonly lagMaxMs: number;
  /** What is left after a collection: objects and the buffers behind them. */
  readonly usedBytes: number;
}

const EVERY_MS = 5;

const path = process.env['MEMBER_PROBE'];
let lagMaxMs = 0;
let expectedMs = performance.now() + EVERY_MS;

function tick(): void {
  lagMaxMs = Math.max(lagMaxMs, performance.now() - expectedMs);
  expectedMs = performance.now() + EVERY_MS;
  setTimeout(tick, EVERY_MS).unref();
}

function probed(): Probed {
  const lag = lagMaxMs;
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  // What the question itself took is nobody's.
  lagMaxMs = 0;
  expectedMs = performance.now() + EVERY_MS;
  return { lagMaxMs: lag, usedBytes: heapUsed + external };
}

if (path !== undefined) {
  // Of a member that was killed.
  rmSync(path, { force: true });
  setTimeout(tick, EVERY_MS).unref();
  createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${JSON.stringify(probed())}\n`);
  })
    .listen(path)
    .unref();
}
