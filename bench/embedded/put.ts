import { close, fdatasync, open as openFile, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Store } from 'conclave/core';
import { figure, ratePerSecond, type Row, Samples, timeMs } from '../measure.js';

const WARM_UP_ROUNDS = 300;
const ROUNDS = 1_500;
const RATE_ROUNDS = 3;
const RATE_MS = 1_000;
const CALLERS = [1, 16, 256];
const VALUE = new Uint8Array(256).fill(7);
const ZEROS = new Uint8Array((WARM_UP_ROUNDS + ROUNDS) * VALUE.length);

/**
 * The latency of a durable put for one caller, beside a bare write of the same bytes and `fdatasync`: at the end of a file,
 * which then grows, and over bytes that are there already, which is cheaper. The three take turns, and turns at being
 * first, so that whatever else the disk does falls on all of them.
 */
export async function putLatency(store: Store, folder: string): Promise<Row[]> {
  const growing = await openBare(join(folder, 'growing'));
  const written = await openBare(join(folder, 'written'));
  await writeAndSync(written, ZEROS, 0);
  const contestants = [
    (round: number) => writeAndSync(growing, VALUE, round * VALUE.length),
    (round: number) => writeAndSync(written, VALUE, round * VALUE.length),
    (round: number) => store.put(`latency/${round % 100}`, VALUE),
  ];
  const times: number[][] = contestants.map(() => []);
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const which = (round + turn) % contestants.length;
      const ms = await timeMs(() => (contestants[which] as (round: number) => Promise<unknown>)(round));
      if (round >= WARM_UP_ROUNDS) times[which]?.push(ms);
    }
  }
  for (const file of [growing, written]) await promisify(close)(file);

  const [growingMs, writtenMs, putMs] = times.map((ms) => new Samples(ms)) as [Samples, Samples, Samples];
  const row = (what: string, ms: Samples, ratios = ''): Row => ({
    what,
    figure: figure(ms.p50 * 1_000, 'µs'),
    besides: `p99 ${figure(ms.p99 * 1_000, 'µs')}${ratios}`,
  });
  return [
    row('bare write at the end + fdatasync, p50', growingMs),
    row('bare write over bytes + fdatasync, p50', writtenMs),
    row(
      'durable put, 1 caller, p50',
      putMs,
      `; ${figure(putMs.p50 / growingMs.p50)} and ${figure(putMs.p50 / writtenMs.p50)} times bare`,
    ),
  ];
}

/** Puts a second; that many callers share few syncs is what group commit is for. Medians of rounds that take turns. */
export async function putRates(store: Store): Promise<Row[]> {
  const rates: number[][] = CALLERS.map(() => []);
  let next = 0;
  for (let round = 0; round < RATE_ROUNDS; round += 1) {
    for (const [at, callers] of CALLERS.entries()) {
      const put = () => store.put(`rate/${(next += 1) % 10_000}`, VALUE);
      rates[at]?.push(await ratePerSecond(callers, RATE_MS, put));
    }
  }
  const medians = rates.map((samples) => new Samples(samples).p50);
  return CALLERS.map((callers, at) => ({
    what: `durable puts, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
    figure: figure(medians[at] as number, '/s'),
    ...(callers > 1 && { besides: `${figure((medians[at] as number) / (medians[0] as number))} times one caller` }),
  }));
}

function openBare(path: string): Promise<number> {
  return promisify(openFile)(path, 'w');
}

function writeAndSync(file: number, bytes: Uint8Array, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    write(file, bytes, 0, bytes.length, offset, (failed) => {
      if (failed) return reject(failed);
      fdatasync(file, (error) => (error ? reject(error) : resolve()));
    });
  });
}
