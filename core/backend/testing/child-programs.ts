/** What tests run in a process of its own, because it is killed or its disk fails. What it tells, it prints. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { openLmdbBackend } from '../lmdb-backend.js';
import { batchRecords, readPosition, writePosition } from './batch-records.js';

/**
 * Writes until it is killed. Batch n puts n into `meta` and some records keyed by n into `history`, and deletes those
 * of batch n - 3. After a flush it prints the last batch flushed.
 */
export async function writeUntilKilled(path: string): Promise<never> {
  const backend = openLmdbBackend({ path });
  for (let number = readPosition(backend) + 1; ; number += 1) {
    backend.write((batch) => {
      for (const [key, value] of batchRecords(number)) batch.put('history', key, value);
      for (const [key] of batchRecords(number - 3)) batch.delete('history', key);
      writePosition(batch, number);
    });
    if (number % 50 !== 0) continue;
    await backend.flush();
    process.stdout.write(`${number}\n`);
  }
}

/** Writes until the backend fails, and prints as JSON who was told what. */
export async function writeUntilFull(path: string): Promise<void> {
  const backend = openLmdbBackend({ path });
  const told: string[] = [];
  const tell = (who: string) => (error: unknown) => told.push(`${who} ${(error as { code?: string }).code}`);
  backend.onFailure(tell('onFailure'));
  for (let number = 1; told.length === 0; number += 1) {
    backend.write((batch) => batch.put('history', Buffer.from(String(number)), Buffer.alloc(10_000)));
    await backend.flush().catch(tell('flush'));
  }
  try {
    backend.write((batch) => batch.put('meta', Buffer.from('more'), Buffer.alloc(1)));
  } catch (error) {
    tell('write')(error);
  }
  backend.onFailure(tell('late onFailure'));
  told.push(`first record ${backend.get('history', Buffer.from('1'))?.length}`);
  await backend.close();
  told.push('closed');
  process.stdout.write(JSON.stringify(told));
}

/**
 * Writes `a` to an empty database; then `b`, of which the sync fails; and ends in an orderly way, with syncs that succeed
 * again. What is on the disk for certain, as `a` was durable, is left in a file beside the database.
 */
export async function failOneSync(path: string): Promise<void> {
  const backend = openLmdbBackend({ path });
  const write = (key: string) => backend.write((batch) => batch.put('meta', Buffer.from(key), Buffer.alloc(10_000)));
  write('a');
  await backend.flush();
  copyFileSync(`${path}/data.mdb`, `${path}.on-disk`);
  const controlFile = process.env['FAILING_SYNC'] as string;
  writeFileSync(controlFile, 'fail');
  write('b');
  const told = await backend.flush().catch((error: unknown) => (error as { code?: unknown }).code);
  rmSync(controlFile);
  await backend.close();
  process.stdout.write(`flush ${String(told)}`);
}

/** Writes a key, if it is given one, and prints all keys. */
export async function writeAndList(path: string, key?: string): Promise<void> {
  const backend = openLmdbBackend({ path });
  if (key !== undefined) {
    backend.write((batch) => batch.put('meta', Buffer.from(key), Buffer.alloc(10_000)));
    await backend.flush();
  }
  const found = [...backend.scan('meta')].map(([name, value]) => `${Buffer.from(name).toString()}:${value.length}`);
  await backend.close();
  process.stdout.write(found.join(' '));
}
