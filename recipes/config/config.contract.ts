import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { WaywardStore } from '../mirror/testing/wayward-store.js';
import type { RecipeStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { ConfigWatcher, type ConfigWatcherOptions } from './config-watcher.js';

const schema = z.object({ max: z.number().positive() });

/** What a configuration keeps on every store. */
export function configContract(on: RecipeStore): void {
  describe(`a config watcher on ${on.name}`, () => {
    let store: Store;
    let namesMade = 0;

    beforeAll(async () => {
      store = await on.open();
    });
    afterAll(() => on.close());

    const freshName = () => `contract-${(namesMade += 1)}`;
    /** A watcher in a process of its own. */
    const watcher = (name: string, options: ConfigWatcherOptions<typeof schema> = {}, way: Store = store) =>
      new ConfigWatcher(way, { name, schema, debounce: 10, ttl: '2s', ...options });

    test('gives everybody one initial, and then what anybody publishes', async () => {
      const name = freshName();
      await using one = watcher(name, { initial: { max: 1 } });
      await using other = watcher(name, { initial: { max: 2 } });
      await Promise.all([one.ready(), other.ready()]);
      expect(one.current).toEqual(other.current);

      const { release } = await one.publish({ max: 7 }, { ifRelease: 1 });

      expect(one.current).toEqual({ max: 7 });
      await until(() => other.release === release);
      expect(other.current).toEqual({ max: 7 });
    });

    test('lets one of many through that publish on the same condition, and all without one', async () => {
      const name = freshName();
      const watchers = Array.from({ length: 8 }, () => watcher(name));
      await watchers[0]?.publish({ max: 1 });

      const outcomes = await Promise.allSettled(watchers.map((one) => one.publish({ max: 2 }, { ifRelease: 1 })));
      await Promise.all(watchers.map((one) => one.publish({ max: 3 })));

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await watchers[0]?.history())?.map(({ release }) => release)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
      await Promise.all(watchers.map((one) => one.dispose()));
    });

    test('rejects what its schema refuses, says so, and follows the next good release', async () => {
      const name = freshName();
      await using config = watcher(name, { initial: { max: 1 }, report: true });
      await using loose = new ConfigWatcher(store, { name, schema: z.any() });
      await config.ready();

      await loose.publish({ max: -1 });
      await until(() => config.rejected?.release === 2);
      await until(async () => (await loose.instances())[0]?.status === 'rejected');
      expect(config.current).toEqual({ max: 1 });
      await loose.publish({ max: 3 });

      await until(() => config.release === 3);
      expect(config.rejected).toBeUndefined();
    });

    test('prunes its history, and rolls back within it', async () => {
      const name = freshName();
      await using config = watcher(name, { history: 3 });
      for (const max of [1, 2, 3, 4]) await config.publish({ max });

      await config.rollback(2);

      expect((await config.history()).map(({ release }) => release)).toEqual([5, 4, 3]);
      expect((await config.history({ limit: 1 }))[0]).toMatchObject({ document: { max: 2 }, rollbackOf: 2 });
      await expect(config.rollback(1)).rejects.toMatchObject({ code: 'RELEASE_NOT_FOUND' });
    });

    test('has what the store has after a compaction while its watch was broken', async () => {
      const name = freshName();
      const way = new WaywardStore(store);
      await using config = watcher(name, { initial: { max: 1 } }, way);
      await using publisher = watcher(name);
      await config.ready();

      way.goAway();
      for (const max of [2, 3, 4]) await publisher.publish({ max });
      await store.compact((await store.range('x')).revision);
      way.comeBack();
      way.breakWatches(new UnavailableError('broken'));

      await until(() => config.current.max === 4);
    });
  });
}
