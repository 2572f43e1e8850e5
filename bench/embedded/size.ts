import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { open, prefix } from 'conclave/core';
import { figure, type Row, timeMs } from '../measure.js';

const KEYS = 100_000;
const VALUE = new Uint8Array(256).fill(7);
const ARRIVE_TOGETHER = 256;

/** Resident memory with 100,000 keys of 256 bytes, and the time to open their folder again, each in a process of its own. */
export async function sizeAndReopen(folder: string): Promise<Row[]> {
  const filled = await inChild(['fill', folder]);
  const reopened = await inChild(['reopen', folder]);
  const mebibytes = (bytes: number) => figure(bytes / 2 ** 20, 'MiB');
  return [
    {
      what: 'resident memory after putting 100,000 keys of 256 bytes',
      figure: mebibytes(filled.rssBytes),
      besides: `${mebibytes(filled.rssBytes - filled.emptyRssBytes)} more than empty`,
    },
    {
      what: 'time to reopen with 100,000 keys',
      figure: figure(reopened.openMs, 'ms'),
      besides: `resident ${mebibytes(reopened.rssBytes)}`,
    },
  ];
}

interface Report {
  readonly emptyRssBytes: number;
  readonly rssBytes: number;
  readonly openMs: number;
}

async function inChild(args: string[]): Promise<Report> {
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] });
  const [report] = (await once(child, 'message')) as [Report];
  await once(child, 'exit');
  return report;
}

async function report(task: 'fill' | 'reopen', dataDir: string): Promise<void> {
  const emptyRssBytes = settledRssBytes();
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
  process.send?.({ emptyRssBytes, rssBytes: settledRssBytes(), openMs } satisfies Report);
  await store.close();
  process.disconnect?.();
}

function settledRssBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await report(process.argv[2] as 'fill' | 'reopen', process.argv[3] as string);
}
