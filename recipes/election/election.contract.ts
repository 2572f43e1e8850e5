import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Store } from '../../core/store.js';
import { FaultyStore } from '../testing/faulty-store.js';
import type { RecipeStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { Election } from './election.js';

/** What an election keeps on every store, in real time: that of an etcd's leases, whose shortest TTL is two seconds. */
export function electionContract(on: RecipeStore): void {
  describe(`an election on ${on.name}`, () => {
    let store: Store;
    let namesMade = 0;

    beforeAll(async () => {
      store = await on.open();
    });
    afterAll(() => on.close());

    const freshName = () => `contract-${(namesMade += 1)}`;
    /** An election as seen by a process of its own. */
    const election = (name: string, way: Store = store) => new Election<string>(way, { name, ttl: '2s' });

    test('is won by one after the other, with growing terms', async () => {
      const name = freshName();
      const terms: number[] = [];
      let leaderCount = 0;
      const candidates = Array.from({ length: 5 }, () => election(name));
      await Promise.all(
        candidates.map((candidate) =>
          candidate.lead(
            async (leadership) => {
              leaderCount += 1;
              expect(leaderCount).toBe(1);
              terms.push(leadership.term);
              await leadership.proclaim('leading');
              expect((await candidate.leader())?.term).toBe(leadership.term);
              leaderCount -= 1;
            },
            { timeout: '20s' },
          ),
        ),
      );
      expect(terms).toHaveLength(5);
      expect(terms).toEqual([...new Set(terms)].sort((a, b) => a - b));
      expect(await (candidates[0] as Election<string>).leader()).toBeUndefined();
      await Promise.all(candidates.map((candidate) => candidate.dispose()));
    });

    test('shows its observers every leader and proclamation, also after compaction', async () => {
      const name = freshName();
      await using one = election(name);
      await using other = election(name);
      await using observer = election(name);
      const controller = new AbortController();
      const seen: (string | undefined)[] = [];
      const observing = (async () => {
        for await (const leader of observer.observe({ signal: controller.signal })) seen.push(leader?.value);
      })();
      observing.catch(() => undefined);

      await until(() => seen.length === 1);
      const leadership = await one.campaign('one');
      const next = other.campaign('other');
      await leadership.proclaim('one again');
      await until(() => seen.length === 3);
      const { revision } = await store.put('noise', '');
      await store.compact(revision);
      await until(async () => (await one.candidates()).length === 2);
      await leadership.resign();
      await (await next).resign();
      await until(() => seen.length === 5);

      expect(seen).toEqual([undefined, 'one', 'one again', 'other', undefined]);
      controller.abort(new Error('enough'));
      await expect(observing).rejects.toThrow('enough');
    });

    test('is won by the next when the leader is cut off, after that has stopped', async () => {
      const name = freshName();
      const cutOff = new FaultyStore(store);
      await using other = election(name);
      const leadership = await election(name, cutOff).campaign('one');
      cutOff.onCall = () => ({ kind: 'hang' });

      const next = await other.campaign('other', { timeout: '20s' });

      expect(leadership.signal.aborted).toBe(true);
      expect(next.term).toBeGreaterThan(leadership.term);
      cutOff.onCall = () => undefined;
      await expect(leadership.proclaim('late')).rejects.toMatchObject({ code: 'HOLD_LOST' });
      expect((await other.leader())?.value).toBe('other');
    }, 30_000);
  });
}
