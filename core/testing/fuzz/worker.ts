/** A thread in which one target is tried. */
import { parentPort, workerData } from 'node:worker_threads';
import { runTarget } from './run-target.js';
import type { WorkerOrder } from './run-watched.js';
import { TARGETS } from './targets.js';

const { target: name, seed, from, inputs, forMs, progress } = workerData as WorkerOrder;
const target = TARGETS.find((one) => one.name === name);
if (target === undefined) throw new Error(`there is no target ${name}`);
const endMs = performance.now() + forMs;
const result = await runTarget(target, {
  seed,
  from,
  inputs,
  isOver: () => performance.now() > endMs,
  onInput: (number) => Atomics.store(progress, 0, number),
});
// What is wrong already is the news, whatever comes of closing.
if (result.failure) parentPort?.postMessage({ answer: result });
await target.close?.();
parentPort?.postMessage({ answer: result });
