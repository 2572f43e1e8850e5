import type { Store } from 'conclave/core';
import { figure, ratePerSecond, type Row } from '../measure.js';

const RATE_MS = 1_000;
const KEYS = 10_000;

/** Reads a second of single keys, linearizable and serializable. */
export async function readRates(store: Store): Promise<Row[]> {
  for (let i = 0; i < KEYS; i += 256) {
    await Promise.all(Array.from({ length: 256 }, (_, n) => store.put(`read/${i + n}`, `value ${i + n}`)));
  }
  const rows: Row[] = [];
  for (const serializable of [false, true]) {
    for (const callers of [1, 64]) {
      let next = 0;
      const rate = await ratePerSecond(callers, RATE_MS, () =>
        store.get(`read/${(next += 1) % KEYS}`, { serializable }),
      );
      const kind = serializable ? 'serializable' : 'linearizable';
      rows.push({
        what: `${kind} gets, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
        figure: figure(rate, '/s'),
      });
    }
  }
  return rows;
}
