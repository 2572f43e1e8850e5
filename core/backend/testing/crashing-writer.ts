/**
 * Run by a test as a process of its own, to be killed while it writes. Batch n puts n into `meta` and a few records
 * keyed by n into `history`, and deletes those of batch n - 3; what was flushed is told on the standard output.
 */
import { openLmdbBackend } from '../lmdb-backend.js';
import { batchRecords, readPosition, writePosition } from './batch-records.js';

const backend = openLmdbBackend({ path: process.argv[2] as string });

for (let number = readPosition(backend) + 1; ; number += 1) {
  backend.write((batch) => {
    for (const [key, value] of batchRecords(number)) batch.put('history', key, value);
    for (const [key] of batchRecords(number - 3)) batch.delete('history', key);
    writePosition(batch, number);
  });
  if (number % 50 === 0) {
    await backend.flush();
    process.stdout.write(`${number}\n`);
  }
}
