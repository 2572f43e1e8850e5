import { Mutex } from 'conclave';
import type { Store, WatchStream } from 'conclave/core';
import { figure, ratePerSecond, type Row } from '../measure.js';

const RATE_MS = 3_000;
const CONTENDERS = 16;

/**
 * Acquire and release, again and again: alone, and with others in line; and how many waiters a release wakes, which is
 * how many batches of events reach all those who wait, by the number of releases.
 */
export async function mutexCycles(store: Store): Promise<Row[]> {
  const alone = new Mutex(store, { name: 'bench-alone' });
  const uncontended = await ratePerSecond(1, RATE_MS, () => cycle(alone));
  await alone.dispose();

  const counting = countingWatchEvents(store);
  const contenders = Array.from({ length: CONTENDERS }, () => new Mutex(counting.store, { name: 'bench-contended' }));
  let releases = 0;
  const contended = await ratePerSecond(CONTENDERS, RATE_MS, async (caller) => {
    await cycle(contenders[caller] as Mutex);
    releases += 1;
  });
  await Promise.all(contenders.map((mutex) => mutex.dispose()));

  return [
    { what: 'mutex cycles, uncontended', figure: figure(uncontended, '/s') },
    { what: `mutex cycles, ${CONTENDERS} contenders`, figure: figure(contended, '/s') },
    {
      what: 'waiters woken by a release',
      figure: figure(counting.batches() / releases),
      besides: `${counting.batches()} batches, ${releases} releases`,
    },
  ];
}

async function cycle(mutex: Mutex): Promise<void> {
  await using _held = await mutex.acquire();
}

/** The same store, counting what its watches deliver. */
function countingWatchEvents(store: Store): { store: Store; batches(): number } {
  let batches = 0;
  const counted = (stream: WatchStream): WatchStream =>
    new Proxy(stream, {
      get(target, property) {
        if (property !== Symbol.asyncIterator) return bound(target, property);
        return async function* () {
          for await (const batch of target) {
            batches += 1;
            yield batch;
          }
        };
      },
    });
  const proxy = new Proxy(store, {
    get(target, property) {
      if (property !== 'watch') return bound(target, property);
      return (...args: Parameters<Store['watch']>) => counted(target.watch(...args));
    },
  });
  return { store: proxy, batches: () => batches };
}

function bound<T extends object>(target: T, property: string | symbol): unknown {
  const value = Reflect.get(target, property, target) as unknown;
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}
