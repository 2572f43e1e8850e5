/** The thread in which the search goes on, so that a member that goes round in circles is found out by another one. */
import { parentPort, workerData } from 'node:worker_threads';
import { SCENARIOS } from './scenarios.js';
import { search } from './search.js';
import type { Told, WorkerOrder } from './watched-search.js';

const BEAT_MS = 250;

const { order, progress } = workerData as WorkerOrder;
const tell = (told: Told) => parentPort?.postMessage({ told });
setInterval(() => Atomics.add(progress, 0, 1), BEAT_MS).unref();
await search(SCENARIOS, order, {
  onPlace: (place) => tell({ place }),
  onReport: (report) => tell({ report }),
});
parentPort?.postMessage({ answer: 'all was tried' });
