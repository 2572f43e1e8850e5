import { close, fdatasync, open as openFile, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Store } from 'conclave/core';
import { figure, ratePerSecond, type Row, Samples, timeMs } from '../measure.js';

const ROUNDS = 1_500;
const RATE_MS = 3_000;
const VALUE = new Uint8Array(256).fill(7);

/**
 * The latency of a durable put for one caller, beside appending the same bytes to a file and calling `fdatasync`. The two
 * take turns, so that whatever else the disk does falls on both.
 */
export async function putLatency(store: Store, folder: string): Promise<Row[]> {
  const file = await promisify(openFile)(join(folder, 'bare'), 'w');
  const [bare, puts]: [number[], number[]] = [[], []];
  let offset = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await timeMs(() => appendAndSync(file, (offset += VALUE.length))));
    puts.push(await timeMs(() => store.put(`latency/${round % 100}`, VALUE)));
  }
  await promisify(close)(file);

  const [bareMs, putMs] = [new Samples(bare), new Samples(puts)];
  return [
    {
      what: 'bare write + fdatasync, p50',
      figure: figure(bareMs.p50 * 1_000, 'µs'),
      besides: `p99 ${figure(bareMs.p99 * 1_000, 'µs')}`,
    },
    {
      what: 'durable put, 1 caller, p50',
      figure: figure(putMs.p50 * 1_000, 'µs'),
      besides: `p99 ${figure(putMs.p99 * 1_000, 'µs')}; ${figure(putMs.p50 / bareMs.p50)} times bare`,
    },
  ];
}

/** Puts a second; that many callers share few syncs is what group commit is for. */
export async function putRates(store: Store): Promise<Row[]> {
  const rates: number[] = [];
  const rows: Row[] = [];
  for (const callers of [1, 16, 256]) {
    let next = 0;
    const rate = await ratePerSecond(callers, RATE_MS, () => store.put(`rate/${(next += 1) % 10_000}`, VALUE));
    rates.push(rate);
    rows.push({
      what: `durable puts, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
      figure: figure(rate, '/s'),
      ...(callers > 1 && { besides: `${figure(rate / (rates[0] as number))} times one caller` }),
    });
  }
  return rows;
}

function appendAndSync(file: number, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    write(file, VALUE, 0, VALUE.length, offset, (failed) => {
      if (failed) return reject(failed);
      fdatasync(file, (error) => (error ? reject(error) : resolve()));
    });
  });
}
