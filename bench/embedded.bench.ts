/**
 * `npm run bench:embedded`: the embedded store beside the bare disk. Every ratio is of two figures of this same run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { open } from 'conclave/core';
import { mutexCycles } from './embedded/mutex.js';
import { putLatency, putRates } from './embedded/put.js';
import { readRates } from './embedded/read.js';
import { sizeAndReopen } from './embedded/size.js';
import { watchFanOut } from './embedded/watch.js';
import { printTable } from './measure.js';

// Beside the working folder, not in the temporary one, which may be in memory and make fdatasync free.
const folder = await mkdtemp(join(process.cwd(), '.bench-'));
console.log(`Node ${process.version}, ${availableParallelism()} cores, disk ${folder}`);
try {
  const store = await open({ dataDir: join(folder, 'store') });
  printTable('Puts', [...(await putLatency(store, folder)), ...(await putRates(store))]);
  printTable('Reads', await readRates(store));
  printTable('Watches', await watchFanOut(store));
  printTable('Mutex', await mutexCycles(store));
  await store.close();
  printTable('Size', await sizeAndReopen(join(folder, 'size')));
} finally {
  await rm(folder, { recursive: true, force: true });
}
