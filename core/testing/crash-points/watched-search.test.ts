import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { watchedSearch } from './watched-search.js';

const ORDER = { scenario: '', at: undefined, choice: undefined, cases: 1, seconds: 1, keepsGoing: false };
/** Longer than a busy machine keeps a thread waiting. */
const HANG_MS = 1_500;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Lets a search go on in a thread whose body this is; `tell` is how it tells of itself. */
async function searched(body: string) {
  const folder = mkdtempSync(join(tmpdir(), 'watched-search-'));
  folders.push(folder);
  const path = join(folder, 'worker.mjs');
  writeFileSync(
    path,
    `import { parentPort, workerData } from 'node:worker_threads';
     const tell = (told) => parentPort.postMessage({ told });
     const place = { name: 'a put', at: 3, choice: 'killed' };
     ${body}`,
  );
  const names: string[] = [];
  const onReport = ({ name }: { readonly name: string }) => void names.push(name);
  const finding = await watchedSearch(ORDER, { onReport, hangMs: HANG_MS, module: pathToFileURL(path) });
  return { finding, names };
}

describe('a search that is watched', () => {
  test('tells of each scenario, and ends', async () => {
    const { finding, names } = await searched(
      `tell({ place }); tell({ report: { name: 'a put' } }); tell({ report: { name: 'two puts' } });
       parentPort.postMessage({ answer: 'all was tried' });`,
    );

    expect(finding).toBeUndefined();
    expect(names).toEqual(['a put', 'two puts']);
  });

  test('ends with the case in which a member goes round in circles', async () => {
    const { finding, names } = await searched(
      `tell({ report: { name: 'the first start' } }); tell({ place });
       setInterval(() => Atomics.add(workerData.progress, 0, 1), 10);
       setTimeout(async () => { for (;;) await undefined; }, 50);`,
    );

    expect(names).toEqual(['the first start']);
    expect(finding).toMatchObject({ place: { name: 'a put', at: 3, choice: 'killed' } });
    expect(finding?.why).toContain(`does not end: nothing else had its turn for ${HANG_MS} ms`);
  });

  test('goes on for as long as its event loop comes round', async () => {
    const { finding } = await searched(
      `tell({ place });
       setInterval(() => Atomics.add(workerData.progress, 0, 1), 10);
       setTimeout(() => parentPort.postMessage({ answer: 'all was tried' }), ${1.5 * HANG_MS});`,
    );

    expect(finding).toBeUndefined();
  });

  test.each([
    ['fails', 'throw new Error("unexpected");', 'Error: unexpected'],
    ['ends too early', 'process.exit(3);', 'it ended its thread with 3'],
  ])('is no verdict if it %s', async (_, end, why) => {
    await expect(searched(`tell({ place }); ${end}`)).rejects.toThrow(why);
  });
});
