/**
 * Run by a test as a process of its own that may write only small files. Writes until the backend fails, and tells how
 * on the standard output, as JSON.
 */
import { openLmdbBackend } from '../lmdb-backend.js';

const backend = openLmdbBackend({ path: process.argv[2] as string });
const seen: string[] = [];
const codeOf = (error: unknown) => (error as { code?: string }).code ?? 'unknown';
backend.onFailure((error) => seen.push(`onFailure ${codeOf(error)}`));

try {
  for (let number = 1; number < 1000; number += 1) {
    backend.write((batch) => batch.put('history', Buffer.from(String(number)), Buffer.alloc(10_000)));
    await backend.flush();
  }
} catch (error) {
  seen.push(`flush ${codeOf(error)}`);
}
try {
  backend.write((batch) => batch.put('meta', Buffer.from('more'), Buffer.alloc(1)));
} catch (error) {
  seen.push(`write ${codeOf(error)}`);
}
await backend.drained().catch((error: unknown) => seen.push(`drained ${codeOf(error)}`));
backend.onFailure((error) => seen.push(`late onFailure ${codeOf(error)}`));
seen.push(`first record ${backend.get('history', Buffer.from('1'))?.length}`);
await backend.close();
seen.push('closed');
process.stdout.write(JSON.stringify(seen));
