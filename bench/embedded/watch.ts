import { prefix, type Store } from 'conclave/core';
import { figure, type Row, Samples, timeMs } from '../measure.js';

const ROUNDS = 200;

/** From the call of a put until every one of so many watchers has its event. */
export async function watchFanOut(store: Store): Promise<Row[]> {
  const rows: Row[] = [];
  for (const watchers of [1, 100, 1_000]) {
    const stop = new AbortController();
    let seen = 0;
    let all: () => void = () => {};
    const follow = async (created: () => void) => {
      const stream = store.watch(prefix('fan-out/'), { signal: stop.signal });
      await stream.created;
      created();
      for await (const batch of stream) {
        seen += batch.events.length;
        if (seen === watchers) all();
      }
    };
    const followers: Promise<void>[] = [];
    await Promise.all(
      Array.from(
        { length: watchers },
        () => new Promise<void>((created) => followers.push(follow(created).catch(() => {}))),
      ),
    );

    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      seen = 0;
      const everyone = new Promise<void>((resolve) => (all = resolve));
      rounds.push(await timeMs(() => Promise.all([store.put('fan-out/key', `${round}`), everyone])));
    }
    stop.abort();
    await Promise.all(followers);

    const ms = new Samples(rounds);
    rows.push({
      what: `put until ${watchers} ${watchers === 1 ? 'watcher has' : 'watchers have'} it, p50`,
      figure: figure(ms.p50, 'ms'),
      besides: `p99 ${figure(ms.p99, 'ms')}; ${figure(watchers / (ms.p50 / 1_000))} events/s`,
    });
  }
  return rows;
}
