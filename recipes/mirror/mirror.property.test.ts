import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toText } from '../../core/base/bytes.js';
import { UnavailableError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import { open } from '../../core/embedded/open.js';
import { ManualClock, settle } from '../../core/testing/manual-clock.js';
import { Mirror } from './mirror.js';
import { WaywardStore } from './testing/wayward-store.js';

const key = fc.constantFrom('m/a', 'm/b', 'm/c', 'n/x');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('put'), key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('delete'), key }) },
  fc.record({ act: fc.constantFrom('compact', 'break', 'silence', 'leave', 'return', 'settle', 'reconcile'), key }),
  fc.record({ act: fc.constantFrom('tick', 'wait'), key }),
);

test('whatever is written and whatever breaks, a mirror ends as the store is, and its diffs lead there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const clock = new ManualClock();
      const real = await open({ memory: true }, { clock });
      const wayward = new WaywardStore(real);
      const mirror = new Mirror(wayward, {
        target: prefix('m/'),
        decode: ({ value }) => toText(value),
        stall: '10s',
        pageKeys: 2,
      });
      const replayed = new Map<string, string>();
      mirror.observe({
        diff({ changes }) {
          for (const change of changes) {
            expect(replayed.get(change.key)).toBe(change.type === 'added' ? undefined : change.previous.value);
            if (change.type === 'removed') replayed.delete(change.key);
            else replayed.set(change.key, change.current.value);
          }
        },
      });
      mirror.start();
      const acts: Readonly<Record<string, (key: string, at: number) => unknown>> = {
        put: (name, at) => real.put(name, `value ${at}`),
        delete: (name) => real.delete(name),
        compact: async () => real.compact((await real.range(prefix('m/'))).revision).catch(() => undefined),
        break: () => wayward.breakWatches(new UnavailableError('broken')),
        silence: () => wayward.silence(),
        leave: () => wayward.goAway(),
        return: () => wayward.comeBack(),
        settle: () => settle(),
        reconcile: () => void mirror.reconcile({ timeout: '1s' }).catch(() => undefined),
        tick: () => clock.advance(100),
        wait: () => clock.advance(10_000),
      };

      for (const [at, { act, key: name }] of steps.entries()) await acts[act]?.(name, at);
      wayward.comeBack();
      await clock.advance(30_000);

      const inStore = (await real.range(prefix('m/'))).kvs.map((kv) => [toText(kv.key), toText(kv.value)]);
      expect(mirror.entries().map((entry) => [entry.key, entry.value])).toEqual(inStore);
      expect([...replayed].sort()).toEqual(inStore);
      expect(mirror.stale).toBe(false);
      await mirror.close();
      await real.close();
    }),
    { seed: 11, numRuns: 40 },
  );
});
