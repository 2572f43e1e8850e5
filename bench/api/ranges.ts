import { prefix, put, type Store } from 'conclave/core';
import { toRangeMessage } from '../../core/rpc/convert-requests.js';
import { KVService } from '../../core/rpc/gen/kv.js';
import { printContest } from '../cluster/table.js';
import type { Samples } from '../measure.js';
import { type Contestant, goal, type Ground, ofEach } from './contestant.js';
import { SteadyLoad } from './steady-load.js';

const KEYS = 1_000_000;
const KEYS_A_TXN = 100;
const TXNS_AT_ONCE = 16;
const PAGE_KEYS = 1_000;
const GETS_PER_SECOND = 200;
const LAG_MS_MAX = 50;
const VALUE = new Uint8Array(64).fill(7);
const ALL = prefix('many/');

interface Walk {
  readonly tookMs: number;
  readonly lagMs: number | undefined;
  readonly gets: Samples;
}

interface Figures {
  readonly streamed: Walk | undefined;
  readonly paged: Walk;
}

/** Reads a very large range, in one stream and page by page, beside reads of single keys. */
export async function ranges(ground: Ground): Promise<void> {
  const count = Math.ceil(KEYS / ground.divide);
  const { names, measured } = await ofEach(ground, (contestant) => measure(contestant, count));
  const lines = (['streamed', 'paged'] as const).flatMap((way) => {
    const walks = measured.map((figures) => figures[way]);
    const what = way === 'streamed' ? 'in one stream (etcd 3.4 has none)' : `in pages of ${PAGE_KEYS} keys`;
    return [
      { what, unit: 'ms', figures: walks.map((walk) => walk?.tookMs) },
      { what: '  single keys meanwhile, p99', unit: 'ms', figures: walks.map((walk) => walk?.gets.p99) },
      {
        what: "  the member's event loop stands still, at most",
        unit: 'ms',
        figures: walks.map((walk) => walk?.lagMs),
        besides: goal(walks[0]?.lagMs, LAG_MS_MAX, 'ms'),
      },
    ];
  });
  printContest(`A range of ${count.toLocaleString('en')} keys, beside ${GETS_PER_SECOND} reads a second`, names, lines);
}

async function measure(contestant: Contestant, count: number): Promise<Figures> {
  const store = await contestant.store();
  await fill(store, count);
  const load = new SteadyLoad(GETS_PER_SECOND, (n) => store.get(nameOf(n % count)));
  load.begin();
  const walk = async (way: () => Promise<number>): Promise<Walk> => {
    await contestant.probed();
    load.taken();
    const begunMs = performance.now();
    const found = await way();
    const tookMs = performance.now() - begunMs;
    if (found !== count) throw new Error(`${found} keys were read, there are ${count}`);
    return { tookMs, gets: load.taken().times, lagMs: (await contestant.probed())?.lagMaxMs };
  };
  const streamed = contestant.name === 'conclave' ? await walk(() => stream(contestant)) : undefined;
  const paged = await walk(() => pages(store));
  await load.end();
  return { streamed, paged };
}

const nameOf = (number: number) => `many/${String(number).padStart(8, '0')}`;

async function fill(store: Store, count: number): Promise<void> {
  const all = Math.ceil(count / KEYS_A_TXN);
  const fillOne = (txn: number) => {
    const from = txn * KEYS_A_TXN;
    const keys = Array.from({ length: Math.min(KEYS_A_TXN, count - from) }, (_, at) => put(nameOf(from + at), VALUE));
    return store
      .txn()
      .do(...keys)
      .commit();
  };
  for (let txn = 0; txn < all; txn += TXNS_AT_ONCE) {
    const some = Array.from({ length: Math.min(TXNS_AT_ONCE, all - txn) }, (_, at) => fillOne(txn + at));
    await Promise.all(some);
  }
}

/** @returns how many keys there were */
async function stream(contestant: Contestant): Promise<number> {
  const client = contestant.raw();
  const request = toRangeMessage({ type: 'range', ...ALL });
  const messages = client.download(KVService.rangeStream, request);
  let found = 0;
  const ended = messages.ended.then((error) => {
    if (error) throw error;
    return undefined;
  });
  for (;;) {
    const message = await Promise.race([messages.next(), ended]);
    if (message === undefined) return found;
    found += message.rangeResponse?.kvs.length ?? 0;
  }
}

async function pages(store: Store): Promise<number> {
  let found = 0;
  let from = ALL.key;
  for (;;) {
    const { kvs, more } = await store.range({ key: from, end: ALL.end! }, { limit: PAGE_KEYS });
    found += kvs.length;
    if (!more) return found;
    from = Buffer.concat([kvs.at(-1)!.key, Buffer.of(0)]);
  }
}
