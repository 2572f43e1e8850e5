import { prefix } from '../../../../base/key-range.js';
import type { LeaseId } from '../../../../base/key-value.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** Grants a lease, and gives it keys. */
async function grant(stage: Stage, id: LeaseId, keys: readonly string[], ttl: '2s' | '60s' = '60s'): Promise<void> {
  await stage.answer(stage.store.grantLease(ttl, { id }));
  for (const each of keys) await stage.put(each, `of ${id}`, { lease: id });
}

const started = (stage: Stage) => stage.start();

/** Leases: which there are, which keys they have, and that both go together. */
export const LEASES: readonly Scenario[] = [
  {
    name: 'a lease with keys',
    before: started,
    act: (stage) => grant(stage, 7n, ['a', 'b']),
  },
  {
    name: 'a lease is revoked',
    async before(stage) {
      await stage.start();
      await grant(stage, 7n, ['a', 'b', 'c']);
    },
    async act(stage) {
      await stage.answer(stage.store.lease(7n).revoke());
      await stage.put('a', 'free');
    },
  },
  {
    name: 'a lease runs out',
    async before(stage) {
      await stage.start();
      await grant(stage, 7n, ['a', 'b'], '2s');
      await grant(stage, 8n, ['c']);
    },
    async act(stage) {
      await stage.clock.advance(4_000);
      await stage.put('d', 'later');
    },
  },
  {
    name: 'a lease is renewed, and not the other',
    async before(stage) {
      await stage.start();
      await grant(stage, 7n, ['a'], '2s');
      await grant(stage, 8n, ['b'], '2s');
    },
    async act(stage) {
      for (let second = 0; second < 4; second += 1) {
        await stage.clock.advance(1_000);
        await stage.answer(stage.store.lease(7n).keepAlive());
      }
    },
  },
  {
    name: 'keys go from lease to lease',
    async before(stage) {
      await stage.start();
      await grant(stage, 7n, ['a', 'b']);
    },
    async act(stage) {
      await grant(stage, 8n, ['a']);
      await stage.put('b', 'of nobody');
      await stage.answer(stage.store.lease(7n).revoke());
    },
  },
  {
    name: 'a lease outlives a restart, and runs out',
    async before(stage) {
      await stage.start();
      await grant(stage, 7n, ['a'], '2s');
    },
    async act(stage) {
      await stage.close();
      await stage.start();
      await stage.clock.advance(4_000);
      await stage.put('b', 'later');
    },
  },
  {
    name: 'many leases are revoked at once',
    async before(stage) {
      await stage.start();
      for (let id = 1n; id <= 5n; id += 1n) await grant(stage, id, [`k${id}`, `l${id}`]);
    },
    async act(stage) {
      const revoked = [1n, 2n, 3n, 4n].map((id) => stage.answer(stage.store.lease(id).revoke()));
      await Promise.all(revoked);
      await stage.answer(stage.store.delete(prefix('l')));
    },
  },
];
