import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { open, prefix } from 'conclave/core';
import { figure, type Row, Samples, timeMs } from '../measure.js';

const KEYS = 100_000;
const VALUE = new Uint8Array(256).fill(7);
const ARRIVE_TOGETHER = 256;
const REOPENINGS = 3;

/** Resident memory with 100,000 keys of 256 bytes, and the time to open their folder again, each in a process of its own. */
export async function sizeAndReopen(folder: string): Promise<Row[]> {
  const filled = await inChild(['fill', folder]);
  const reopened: Report[] = [];
  for (let i = 0; i < REOPENINGS; i += 1) reopened.push(await inChild(['reopen', folder]));
  const openMs = new Samples(reopened.map((report) => report.openMs));
  return [
    memoryRow('resident after putting 100,000 keys of 256 bytes', filled),
    memoryRow('resident after opening them again', reopened.at(-1) as Report),
    {
      what: `time to open them again, median of ${REOPENINGS}`,
      figure: figure(openMs.p50, 'ms'),
      besides: `least ${figure(openMs.min, 'ms')}`,
    },
  ];
}

interface Memory {
  readonly residentBytes: number;
  /** Of those, what lies in files: the program's code, and pages of the database, which the system takes back at need. */
  readonly fileBytes: number | undefined;
  readonly heapUsedBytes: number;
}

interface Report {
  readonly before: Memory;
  readonly after: Memory;
  readonly openMs: number;
}

function memoryRow(what: string, { before, after }: Report): Row {
  const mebibytes = (bytes: number) => figure(bytes / 2 ** 20, 'MiB');
  const parts = [
    `${mebibytes(before.residentBytes)} before opening`,
    `JavaScript heap ${mebibytes(after.heapUsedBytes)}`,
    ...(after.fileBytes === undefined ? [] : [`pages of files ${mebibytes(after.fileBytes)}`]),
  ];
  return { what, figure: mebibytes(after.residentBytes), besides: parts.join('; ') };
}

async function inChild(args: string[]): Promise<Report> {
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] });
  const [report] = (await once(child, 'message')) as [Report];
  await once(child, 'exit');
  return report;
}

async function report(task: 'fill' | 'reopen', dataDir: string): Promise<void> {
  const before = await settledMemory();
  let store!: Awaited<ReturnType<typeof open>>;
  const openMs = await timeMs(async () => (store = await open({ dataDir })));
  if (task === 'fill') {
    for (let i = 0; i < KEYS; i += ARRIVE_TOGETHER) {
      const count = Math.min(ARRIVE_TOGETHER, KEYS - i);
      await Promise.all(Array.from({ length: count }, (_, n) => store.put(`size/${i + n}`, VALUE)));
    }
  } else {
    const { count } = await store.range(prefix('size/'), { countOnly: true });
    if (count !== KEYS) throw new Error(`only ${count} of ${KEYS} keys are there`);
  }
  process.send?.({ before, after: await settledMemory(), openMs } satisfies Report);
  await store.close();
  process.disconnect?.();
}

/** After several collections with time between them: what a collection frees, the system has back only a little later. */
async function settledMemory(): Promise<Memory> {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc?.();
    await pause(100);
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, fileBytes: residentFileBytes(), heapUsedBytes: heapUsed };
}

/** Only Linux tells. */
function residentFileBytes(): number | undefined {
  const path = '/proc/self/status';
  const found = existsSync(path) ? /RssFile:\s+(\d+) kB/.exec(readFileSync(path, 'utf8')) : null;
  return found ? Number(found[1]) * 1_024 : undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await report(process.argv[2] as 'fill' | 'reopen', process.argv[3] as string);
}
