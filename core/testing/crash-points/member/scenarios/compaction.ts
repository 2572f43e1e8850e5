import { key } from '../../../../base/key-range.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { putAll } from './writes.js';

/** How long the engine waits for company before it writes. */
export const FLUSH_MS = 100;

async function written(stage: Stage): Promise<void> {
  await stage.start();
  await putAll(stage, 12);
}

/** Old revisions are forgotten. */
export const COMPACTION: readonly Scenario[] = [
  {
    name: 'compaction, whose newest revision is a deletion',
    async before(stage) {
      await written(stage);
      await stage.answer(stage.store.delete(key('k1')));
    },
    async act(stage) {
      await stage.answer(stage.store.compact(stage.running.member.revision, { physical: true }));
      await stage.clock.advance(FLUSH_MS);
    },
  },
  {
    name: 'compaction in the middle of the history',
    before: written,
    async act(stage) {
      await stage.answer(stage.store.compact(6, { physical: true }));
      await stage.put('k1', 'after');
    },
  },
  {
    name: 'compaction that is not waited for, and another',
    before: written,
    async act(stage) {
      await stage.answer(stage.store.compact(5));
      await stage.put('k1', 'between');
      await stage.answer(stage.store.compact(9));
      await stage.clock.advance(2 * FLUSH_MS);
      await stage.put('k1', 'after');
    },
  },
  {
    name: 'compaction just before a restart',
    before: written,
    async act(stage) {
      await stage.answer(stage.store.compact(10));
      stage.kill();
      await stage.start();
      await stage.clock.advance(FLUSH_MS);
    },
  },
  {
    name: 'compaction by itself',
    settings: { autoCompaction: { mode: 'periodic', retention: '5s' } },
    async before(stage) {
      await stage.start();
      await putAll(stage, 8);
    },
    async act(stage) {
      await stage.clock.advance(10_100);
      await putAll(stage, 3);
      await stage.clock.advance(10_100);
    },
  },
];
