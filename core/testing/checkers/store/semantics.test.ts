import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { everything } from '../../../base/key-range.js';
import { between, type Prng, seededPrng } from '../../../base/prng.js';
import { open } from '../../../embedded/open.js';
import type { Store } from '../../../store.js';
import { History } from '../history/history.js';
import type { Comparison, StoreCall } from '../history/operation.js';
import { register } from '../models/register.js';
import { wholeStore } from '../models/store.js';
import { checkReplay } from '../replay/replay.js';
import { checkLinearizable } from '../search/search.js';
import { assertOk } from '../verdict.js';
import { performRecorded } from './perform.js';

const KEYS = ['a', 'b', 'ba', 'c'];

let values = 0;

function pick<T>(prng: Prng, from: readonly T[]): T {
  return from[between(prng, 0, from.length - 1)] as T;
}

function comparison(prng: Prng): Comparison {
  const target = pick(prng, ['value', 'version', 'createRevision', 'modRevision'] as const);
  const operand = target === 'value' ? `v${between(prng, 1, values)}` : between(prng, 0, target === 'version' ? 3 : 30);
  return { key: pick(prng, KEYS), target, is: pick(prng, ['equal', 'notEqual', 'greater', 'less'] as const), operand };
}

/** One that is on one key, or any. */
function anyCall(prng: Prng, leases: readonly string[], several: boolean): StoreCall {
  const key = pick(prng, KEYS);
  values += 1;
  const value = `v${values}`;
  const lease = pick(prng, leases);
  switch (between(prng, 1, several ? 12 : 8)) {
    case 1:
      return { op: 'put', key, value };
    case 2:
      return { op: 'put', key, value, lease };
    case 3:
      return { op: 'get', key };
    case 4:
      return { op: 'delete', key };
    case 5:
      return { op: 'cas', key, expected: pick(prng, [null, `v${values - 1}`]), value: pick(prng, [null, value]) };
    case 6:
      return { op: 'casRevision', key, expectedRevision: between(prng, 0, 20), value };
    case 7:
      return { op: 'create', key, value, lease };
    case 8:
      return { op: 'append', key, value };
    case 9:
      return pick<StoreCall>(prng, [
        { op: 'range', key: '', end: '\0' },
        { op: 'range', key: 'b', end: '\0' },
        { op: 'range', key: 'a', end: pick(prng, ['b', 'bb', 'c']) },
      ]);
    case 10:
      return { op: 'delete', key: 'a', end: pick(prng, ['b', 'bb']) };
    default: {
      const put: StoreCall = { op: 'put', key, value };
      const others = KEYS.filter((other) => other !== key);
      const inner: StoreCall = { op: 'txn', compares: [comparison(prng)], then: [put], else: [{ op: 'get', key }] };
      return {
        op: 'txn',
        compares: [comparison(prng), comparison(prng)].slice(between(prng, 0, 1)),
        then: [
          { op: 'get', key },
          put,
          { op: 'delete', key: pick(prng, others) },
          { op: 'range', key: 'a', end: '\0' },
        ],
        else: [pick(prng, [inner, { op: 'get', key }])],
      };
    }
  }
}

describe('what the checkers take operations to do', () => {
  let store: Store;
  beforeAll(async () => {
    store = await open({ memory: true });
  });
  afterAll(() => store.close());

  /** Clears the store, has clients work on it, each one operation after the other, and records it. */
  async function recorded(seed: number, clients: number, several: boolean): Promise<[History, firstRevision: number]> {
    const { revision: clear } = await store.put('cleared', `${seed}`);
    const { revision: before } = await store.delete(everything());
    expect(before).toBe(clear + 1);
    const time = { ms: 0 };
    const history = new History({ nowMs: () => (time.ms += 1) });
    const watch = store.watch(everything(), { from: before + 1 });
    await watch.created;
    const leases = await Promise.all([0, 1].map(async () => (await store.grantLease('600s')).id.toString()));
    const work = Array.from({ length: clients }, async (_, client) => {
      const prng = seededPrng(seed * 100 + client);
      for (let left = 30; left > 0; left -= 1) {
        await performRecorded(history, { store, client }, anyCall(prng, leases, several));
      }
    });
    await Promise.all(work);
    const { revision: last } = await store.put('end', 'end');
    for await (const { events } of watch) {
      for (const event of events) history.heard(event);
      if ((history.log.at(-1)?.revision ?? 0) >= last) break;
    }
    return [history, before + 1];
  }

  const isOwned = (key: string) => key !== 'end';

  it('is what the store does, one operation after the other', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const [{ operations, log }, firstRevision] = await recorded(seed, 1, true);

      assertOk(checkReplay(operations, log, { firstRevision, isOwned }));
      assertOk(checkLinearizable(operations, wholeStore(firstRevision - 1)));
    }
  });

  it('is what the store does for several at once, by both checkers', async () => {
    for (let seed = 101; seed <= 110; seed += 1) {
      const [{ operations, log }, firstRevision] = await recorded(seed, 5, seed % 2 === 0);

      assertOk(checkReplay(operations, log, { firstRevision, isOwned }));
      if (seed % 2 === 0) assertOk(checkLinearizable(operations, wholeStore(firstRevision - 1)));
      else assertOk(checkLinearizable(operations, register));
    }
  });
});
