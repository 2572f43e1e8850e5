import { expect, test } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import type { KeyValue } from '../../../base/key-value.js';
import { Model } from './model.js';
import { Verdict } from './verdict.js';

const kv = (key: string, over: Partial<KeyValue> = {}): KeyValue => ({
  ...{ key: toBytes(key), value: toBytes('v'), createRevision: 2, modRevision: 3, version: 2, lease: 0n },
  ...over,
});

function compared(kvs: readonly KeyValue[]): boolean {
  const [model, verdict] = [new Model(), new Verdict()];
  for (const key of ['a', 'b', 'c']) model.take({ type: 'put', kv: kv(key) });
  model.take({ type: 'delete', kv: kv('c') });
  model.compare(kvs, 'somebody', verdict);
  return verdict.isClean;
}

test('an answer is what the history left, no key more and none less', () => {
  expect(compared([kv('a'), kv('b')])).toBe(true);
  expect(compared([kv('a')])).toBe(false);
  expect(compared([kv('a'), kv('b'), kv('c')])).toBe(false);
});

test.each<Partial<KeyValue>>([
  { value: toBytes('w') },
  { createRevision: 3 },
  { modRevision: 4 },
  { version: 3 },
  { lease: 1n },
])('a key that differs in %p is found', (difference) => {
  expect(compared([kv('a'), kv('b', difference)])).toBe(false);
});
