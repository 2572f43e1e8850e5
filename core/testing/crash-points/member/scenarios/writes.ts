import { key, prefix } from '../../../../base/key-range.js';
import { put, remove, value } from '../../../../txn.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** Writes one key after the other. */
export async function putAll(stage: Stage, count: number, valueBytes = 40): Promise<void> {
  for (let i = 0; i < count; i += 1) await stage.put(`k${i % 5}`, `${i}`.padEnd(valueBytes, '.'));
}

const started = (stage: Stage) => stage.start();

/** What is written to the keyspace, and read back of it. */
export const WRITES: readonly Scenario[] = [
  { name: 'the first start', act: started },
  {
    name: 'a put',
    before: started,
    async act(stage) {
      await stage.put('a', '1');
      await stage.put('a', '2');
    },
  },
  {
    name: 'many puts at once',
    before: started,
    async act(stage) {
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(Array.from({ length: 8 }, (_, i) => stage.put(`k${i}`, `${round}`)));
      }
    },
  },
  {
    name: 'a value of many sectors',
    before: started,
    async act(stage) {
      await stage.put('large', 'v'.repeat(1_500));
      await stage.put('small', 'v');
    },
  },
  {
    name: 'a value larger than a segment',
    before: started,
    async act(stage) {
      await stage.put('small', 'v');
      await stage.put('large', 'v'.repeat(5_000));
      await stage.put('small', 'w');
    },
  },
  {
    name: 'a transaction of several keys',
    before: started,
    async act(stage) {
      const txn = stage.store.txn().do(put('a', '1'), put('b', '1'.repeat(700)), put('c', '1'));
      await stage.answer(txn.commit());
      const second = stage.store.txn().when(value('a').equals('1')).do(remove('b'), put('a', '2'));
      await stage.answer(second.commit());
    },
  },
  {
    name: 'writes that are refused among others',
    before: started,
    async act(stage) {
      await stage.put('a', '1');
      const refused = stage.store.put('b', '1', { lease: 4_711n }).catch(() => undefined);
      await Promise.all([stage.answer(refused), stage.put('c', '1')]);
      const unmet = stage.store.txn().when(value('a').equals('9')).do(put('a', '2')).otherwise(put('d', '1'));
      await stage.answer(unmet.commit());
    },
  },
  {
    name: 'a range is deleted',
    async before(stage) {
      await stage.start();
      await putAll(stage, 6);
    },
    async act(stage) {
      await stage.answer(stage.store.delete(prefix('k')));
      await stage.put('k1', 'again');
      await stage.answer(stage.store.delete(key('k1')));
    },
  },
  {
    name: 'segments are begun',
    before: started,
    act: (stage) => putAll(stage, 40, 120),
  },
  {
    name: 'many at once, over segments',
    before: started,
    async act(stage) {
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(Array.from({ length: 12 }, (_, i) => stage.put(`k${i}`, `${round}`.repeat(60))));
      }
    },
  },
];
