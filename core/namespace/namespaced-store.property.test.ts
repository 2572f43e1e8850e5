import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { equalBytes, toMapKey } from '../base/bytes.js';
import { everything, fromKey, isOpenEnded, prefix, range } from '../base/key-range.js';
import type { Event, KeyRange, KeyValue } from '../base/key-value.js';
import type { Compare, Operation, OperationResult, WatchBatch } from '../base/operation.js';
import { open } from '../embedded/open.js';
import type { RangeOptions, Store } from '../store.js';
import { createRevision, get, leaseOf, modRevision, put, remove, value, version } from '../txn.js';
import { KeyPrefix } from './key-prefix.js';

const RUNS = 40;
const LEASES = [11n, 12n];
const MARKER = Uint8Array.of(0x61, 0x61, 0x61, 0x61);

type Step =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly lease?: bigint; readonly previous: boolean }
  | { readonly type: 'ignoring'; readonly key: Uint8Array; readonly what: 'ignoreValue' | 'ignoreLease' }
  | { readonly type: 'get'; readonly key: Uint8Array }
  | { readonly type: 'range'; readonly target: KeyRange; readonly options: RangeOptions; readonly back: number }
  | { readonly type: 'delete'; readonly target: KeyRange; readonly previous: boolean }
  | { readonly type: 'txn'; readonly compares: Compare[]; readonly success: Operation[]; readonly failure: Operation[] }
  | { readonly type: 'grant' | 'keys' | 'revoke'; readonly lease: bigint }
  /** Somebody writes beside the namespace. */
  | { readonly type: 'neighbour'; readonly which: number };

// Few keys, so that they meet; with the bytes at which prefixes and their ends are easily got wrong.
const key = fc
  .array(fc.constantFrom(0x00, 0x2f, 0x61, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes));
const anyKey = fc.oneof({ weight: 30, arbitrary: key }, { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) });
const closed: fc.Arbitrary<KeyRange> = fc.oneof(
  anyKey.map((one) => ({ key: one })),
  key.map((start) => ({ key: start, end: Uint8Array.of(...start, 0xff) })),
  fc
    .tuple(anyKey, key)
    .filter(([, end]) => !isOpenEnded(end))
    .map(([start, end]) => range(start, end)),
);
const target = fc.oneof(
  closed,
  key.map((start) => prefix(start)),
  key.map((start) => fromKey(start)),
  fc.constant(everything()),
);
const previous = fc.boolean();
const lease = fc.constantFrom(...LEASES);
const compare: fc.Arbitrary<Compare> = fc
  .tuple(target, fc.constantFrom(createRevision, modRevision, version), fc.integer({ min: 0, max: 2 }))
  // Both stores are at other revisions, but not for what is absent.
  .map(([about, field, number]) => field(about).isGreaterThan(field === version ? number : 0));
const otherCompare: fc.Arbitrary<Compare> = fc.oneof(
  target.map((about) => value(about).differs('v')),
  fc.tuple(target, lease).map(([about, id]) => leaseOf(about).equals(id)),
  target.map((about) => version(about).equals(0)),
);
// Within a namespace a delete always has an end, so only those that have one may stand beside puts.
const plain: fc.Arbitrary<Operation> = fc.oneof(
  fc.tuple(anyKey, previous).map(([name, was]) => put(name, 'v', { previous: was })),
  target.map((about) => get(about)),
  fc.tuple(closed, previous).map(([about, was]) => remove(about, { previous: was })),
);
const compares = fc.array(fc.oneof(compare, otherCompare), { maxLength: 2 });
const branch = fc.array(plain, { maxLength: 3 });
const nested: fc.Arbitrary<Operation> = fc
  .tuple(compares, branch, branch)
  .map(([when, success, failure]) => ({ type: 'txn', compares: when, success, failure }));
const operations = fc.array(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: nested }), {
  maxLength: 4,
});
const rangeOptions: fc.Arbitrary<RangeOptions> = fc.record(
  {
    limit: fc.integer({ min: 0, max: 3 }),
    sortTarget: fc.constantFrom('key', 'version', 'modRevision', 'createRevision', 'value'),
    sortOrder: fc.constantFrom('none', 'ascend', 'descend'),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
  },
  { requiredKeys: [] },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      { type: fc.constant('put' as const), key: anyKey, previous, lease },
      { requiredKeys: ['type', 'key', 'previous'] },
    ),
  },
  fc.record({
    type: fc.constant('ignoring' as const),
    key: anyKey,
    what: fc.constantFrom('ignoreValue' as const, 'ignoreLease' as const),
  }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('get' as const), key: anyKey }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('range' as const),
      target,
      options: rangeOptions,
      back: fc.integer({ min: 0, max: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), target, previous }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('txn' as const), compares, success: operations, failure: operations }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constantFrom('grant' as const, 'keys' as const, 'revoke' as const), lease }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('neighbour' as const), which: fc.nat(20) }) },
);

/** Each is one namespace, or some within each other. */
const PREFIXES: readonly (readonly Uint8Array[])[] = [
  [Buffer.from('n/')],
  [Uint8Array.of(0x61)],
  [Uint8Array.of(0x00)],
  [Uint8Array.of(0x61, 0xff)],
  [Uint8Array.of(0xff)],
  [Uint8Array.of(0xff, 0xff)],
  [Buffer.from('x'), Uint8Array.of(0xff)],
  [Buffer.from('n'), Buffer.from('/')],
];

test('what is done in a namespace comes out as in a store of its own, and its neighbours are neither seen nor touched', async () => {
  const inputs = [fc.constantFrom(...PREFIXES), fc.array(step, { minLength: 10, maxLength: 40 }), target] as const;
  await fc.assert(fc.asyncProperty(...inputs, check), { numRuns: RUNS, seed: 4711 });
}, 120_000);

async function check(prefixes: readonly Uint8Array[], steps: readonly Step[], watched: KeyRange): Promise<void> {
  await using shared = await open({ memory: true });
  await using alone = await open({ memory: true });
  const view = prefixes.reduce<Store>((store, each) => store.namespace(each), shared);
  const beside = new Neighbours(shared, Buffer.concat(prefixes));
  for (let which = 0; which < 5; which += 1) await beside.write(which);
  const ages = new Ages(shared, alone);
  await ages.note();
  const watches = [view, alone].map((store) => readToMarker(store, watched));

  for (const each of steps) {
    if (each.type === 'neighbour') await beside.write(each.which);
    else {
      const [within, own] = [await outcome(view, each, ages.within), await outcome(alone, each, ages.own)];
      await ages.note();
      expect(told(within, ages)).toEqual(told(own));
    }
    await ages.note();
  }

  for (const store of [view, alone]) await store.put(MARKER, 'the end');
  await ages.note();
  const [seen, expected] = await Promise.all(watches);
  expect(told(seen, ages)).toEqual(told(expected));
  await beside.areUntouched();
}

/** The revisions of the shared store, as those of the store of its own that were reached at the same moment. */
class Ages {
  readonly within: number[] = [];
  readonly own: number[] = [];
  readonly #ownOf = new Map<number, number>();
  readonly #shared: Store;
  readonly #alone: Store;

  constructor(shared: Store, alone: Store) {
    this.#shared = shared;
    this.#alone = alone;
  }

  async note(): Promise<void> {
    const [within, own] = await Promise.all([this.#shared, this.#alone].map(revisionOf));
    this.#ownOf.set(within!, own!);
    this.within.push(within!);
    this.own.push(own!);
  }

  ownOf(revision: number): number {
    return revision === 0 ? 0 : (this.#ownOf.get(revision) ?? Number.NaN);
  }
}

async function revisionOf(store: Store): Promise<number> {
  return (await store.range(everything(), { countOnly: true })).revision;
}

async function outcome(store: Store, step: Step, ages: readonly number[]): Promise<unknown> {
  try {
    return await carryOut(store, step, ages);
  } catch (error) {
    const { code, key: about } = error as { code: string; key?: Uint8Array };
    return { code, about };
  }
}

async function carryOut(store: Store, step: Step, ages: readonly number[]): Promise<unknown> {
  switch (step.type) {
    case 'put':
      return store.put(step.key, 'v', { previous: step.previous, ...(step.lease && { lease: step.lease }) });
    case 'ignoring':
      return store.put(step.key, step.what === 'ignoreValue' ? '' : 'w', { [step.what]: true, previous: true });
    case 'get':
      return store.get(step.key);
    case 'range': {
      const revision = step.back === 0 ? 0 : (ages.at(-step.back) ?? 0);
      return store.range(step.target, { ...step.options, revision });
    }
    case 'delete':
      return store.delete(step.target, { previous: step.previous });
    case 'txn': {
      const { compares, success, failure } = step;
      const txn = store.txn().when(...compares);
      return txn
        .do(...success)
        .otherwise(...failure)
        .commit();
    }
    case 'grant':
      return (await store.grantLease('600s', { id: step.lease })).id;
    case 'keys':
      return (await store.lease(step.lease).timeToLive({ keys: true })).keys;
    case 'revoke':
      return store.lease(step.lease).revoke();
    case 'neighbour':
      throw new Error('no step of the namespace');
  }
}

async function readToMarker(store: Store, watched: KeyRange): Promise<Event[] | string> {
  const events: Event[] = [];
  const stop = new AbortController();
  const end = store.watch(MARKER)[Symbol.asyncIterator]() as AsyncIterator<WatchBatch, undefined>;
  try {
    const watch = store.watch(watched, { from: 1, previous: true, signal: stop.signal });
    const batches = watch[Symbol.asyncIterator]() as AsyncIterator<WatchBatch, undefined>;
    await watch.created;
    const reading = (async () => {
      for (;;) events.push(...((await batches.next()).value?.events ?? []));
    })().catch(() => undefined);
    const marked = (await end.next()).value!.revision;
    // What was before it is delivered by now, or is in a moment: the store tells everything of a revision at once.
    while ((events.at(-1)?.kv.modRevision ?? 0) < marked && isOn(watched)) await new Promise(setImmediate);
    await new Promise(setImmediate);
    stop.abort();
    await reading;
    return events;
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await end.return?.();
  }
}

function isOn({ key: start, end }: KeyRange): boolean {
  if (end === undefined) return equalBytes(start, MARKER);
  const open = equalBytes(end, Uint8Array.of(0));
  return Buffer.compare(start, MARKER) <= 0 && (open || Buffer.compare(MARKER, end) < 0);
}

/** An answer with its keys as text, and its revisions as those of a store of its own. */
function told(answer: unknown, ages?: Ages): unknown {
  const age = (revision: number) => ages?.ownOf(revision) ?? revision;
  if (answer instanceof Uint8Array) return toMapKey(answer);
  if (Array.isArray(answer)) return answer.map((each) => told(each, ages));
  if (typeof answer !== 'object' || answer === null) return answer;
  const fields = Object.entries(answer as KeyValue | OperationResult).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.map(([name, field]) => [name, /revision$/i.test(name) ? age(field as number) : told(field, ages)]),
  );
}

/** Keys beside a namespace, as near as keys can be, with how often each was put. */
class Neighbours {
  readonly #store: Store;
  readonly #keys: readonly Uint8Array[];
  readonly #puts = new Map<Uint8Array, number>();

  constructor(store: Store, prefix: Uint8Array) {
    this.#store = store;
    const last = prefix.at(-1) as number;
    const start = prefix.subarray(0, -1);
    const own = new KeyPrefix(prefix);
    const near = [
      prefix,
      start,
      Uint8Array.of(...start, last - 1, 0xff),
      Uint8Array.of(...start, last + 1),
      Uint8Array.of(0x61),
      Uint8Array.of(0x61, 0x61),
      Uint8Array.of(0x00),
      Uint8Array.of(0xff, 0xff, 0xff),
    ];
    this.#keys = near.filter((each) => each.length > 0 && !own.isOn(each) && (last > 0 || !equalBytes(each, start)));
  }

  async write(which: number): Promise<void> {
    const key = this.#keys[which % this.#keys.length]!;
    await this.#store.put(key, 'neighbour');
    const same = [...this.#puts.keys()].find((each) => equalBytes(each, key)) ?? key;
    this.#puts.set(same, (this.#puts.get(same) ?? 0) + 1);
  }

  async areUntouched(): Promise<void> {
    for (const [key, count] of this.#puts) expect((await this.#store.get(key))!.version).toBe(count);
  }
}
