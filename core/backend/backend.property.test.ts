import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareBytes, fromMapKey, toMapKey } from '../base/bytes.js';
import type { Backend, ScanOptions, View } from './backend.js';
import { openLmdbBackend } from './lmdb-backend.js';
import { openMemoryBackend } from './memory-backend.js';

type Step =
  | { readonly type: 'write'; readonly changes: readonly (readonly [key: string, value: string | undefined])[] }
  | { readonly type: 'flush' }
  | {
      readonly type: 'scan';
      readonly from: string;
      readonly to: string;
      readonly limit: number;
      readonly reverse: boolean;
    };

const key = fc.constantFrom('a', 'b', 'bb', 'c', '\x00', '\x7f', '\xff', '\xff\x00');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('write' as const),
    changes: fc.array(fc.tuple(key, fc.option(fc.constantFrom('', '1', '2'), { nil: undefined })), { maxLength: 6 }),
  }),
  fc.record({ type: fc.constant('flush' as const) }),
  fc.record({
    type: fc.constant('scan' as const),
    from: fc.oneof(fc.constant(''), key),
    to: fc.oneof(fc.constant(''), key),
    limit: fc.integer({ min: 0, max: 9 }),
    reverse: fc.boolean(),
  }),
);
const steps = fc.array(step, { minLength: 1, maxLength: 30 });

const folder = mkdtempSync(join(tmpdir(), 'conclave-backend-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a memory backend reads as a sorted map does', async () => {
  await fc.assert(
    fc.asyncProperty(steps, (script) => run(script, openMemoryBackend())),
    { seed: 20_260_819, numRuns: 300 },
  );
});

it('an LMDB backend reads as a sorted map does, whatever of it is flushed', async () => {
  let pathCount = 0;
  await fc.assert(
    fc.asyncProperty(steps, (script) => {
      pathCount += 1;
      return run(script, openLmdbBackend({ path: join(folder, String(pathCount)) }));
    }),
    { seed: 20_260_820, numRuns: 60 },
  );
});

async function run(script: readonly Step[], backend: Backend): Promise<void> {
  const model = new Map<string, string>();
  const views: { readonly view: ReturnType<Backend['view']>; readonly model: Map<string, string> }[] = [];
  try {
    for (const next of script) {
      if (next.type === 'flush') {
        views.push({ view: backend.view(), model: new Map(model) });
        await backend.flush();
      } else if (next.type === 'write') {
        write(backend, model, next.changes);
      } else {
        const { from, to, limit, reverse } = next;
        expectSame(backend, model, {
          ...(from && { from: fromMapKey(from) }),
          ...(to && { to: fromMapKey(to) }),
          limit,
          reverse,
        });
      }
    }
    expectSame(backend, model, {});
    for (const held of views) expectSame(held.view, held.model, {});
  } finally {
    for (const { view } of views) view.close();
    await backend.close();
  }
}

function write(backend: Backend, model: Map<string, string>, changes: (Step & { type: 'write' })['changes']): void {
  backend.write((batch) => {
    for (const [changed, value] of changes) {
      if (value === undefined) {
        batch.delete('history', fromMapKey(changed));
        model.delete(changed);
      } else {
        batch.put('history', fromMapKey(changed), fromMapKey(value));
        model.set(changed, value);
      }
    }
  });
}

function expectSame(view: View, model: ReadonlyMap<string, string>, options: ScanOptions): void {
  const { from, to, limit, reverse } = options;
  const all = [...model]
    .map(([name, value]) => [fromMapKey(name), value] as const)
    .filter(([name]) => (!from || compareBytes(name, from) >= 0) && (!to || compareBytes(name, to) < 0))
    .sort(([a], [b]) => compareBytes(a, b));
  const expected = (reverse ? all.toReversed() : all).slice(0, limit).map(([name, value]) => [toMapKey(name), value]);

  expect([...view.scan('history', options)].map(([name, value]) => [toMapKey(name), toMapKey(value)])).toEqual(
    expected,
  );
  for (const [name, value] of model) expect(toMapKey(view.get('history', fromMapKey(name)) as Uint8Array)).toBe(value);
}
