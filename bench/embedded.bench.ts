/**
 * `npm run bench:embedded`: the embedded store beside the bare disk. Every ratio is of two figures of this same run.
 */
import { join } from 'node:path';
import { open } from 'conclave/core';
import { programOptions } from '../core/testing/program-options.js';
import { mutexCycles } from './embedded/mutex.js';
import { putLatency, putRates } from './embedded/put.js';
import { readRates } from './embedded/read.js';
import { sizeAndReopen } from './embedded/size.js';
import { watchFanOut } from './embedded/watch.js';
import { printTable } from './measure.js';
import { onDisk } from './parts.js';

programOptions('npm run bench:embedded', {});
await onDisk(async (folder) => {
  const store = await open({ dataDir: join(folder, 'store') });
  printTable('Puts', [...(await putLatency(store, folder)), ...(await putRates(store))]);
  printTable('Reads', await readRates(store));
  printTable('Watches', await watchFanOut(store));
  printTable('Mutex', await mutexCycles(store));
  await store.close();
  printTable('Size', await sizeAndReopen(join(folder, 'size')));
});
