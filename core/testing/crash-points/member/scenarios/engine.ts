import type { StartOptions } from '../../../../server/start-member.js';
import { turns } from '../../turns.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { FLUSH_MS } from './compaction.js';
import { putAll } from './writes.js';

/** The log keeps so little that a few writes are enough for it to let go of some; who misses those needs a snapshot. */
export const LETS_GO: StartOptions = { logKeptEntries: 4 };

/** Where the engine's files are in the member's folder. */
export const ENGINE_FOLDER = 'db';

const started = (stage: Stage) => stage.start();

/** A member that has written, whose engine has all of it, and whose log lets go soon. */
export const FILLED: Pick<Scenario, 'settings' | 'before'> = {
  settings: LETS_GO,
  async before(stage) {
    await stage.start();
    await putAll(stage, 10, 300);
    await stage.clock.advance(FLUSH_MS);
  },
};

/** What the engine takes over of the log, and what the log then need not keep. */
export const ENGINE: readonly Scenario[] = [
  {
    name: 'the engine writes what has gathered',
    async before(stage) {
      await stage.start();
      await putAll(stage, 5);
    },
    act: (stage) => stage.clock.advance(FLUSH_MS),
  },
  {
    name: 'the engine writes while more comes',
    before: started,
    async act(stage) {
      for (let round = 0; round < 4; round += 1) {
        const puts = Array.from({ length: 4 }, (_, i) => stage.put(`k${i}`, `${round}`.repeat(100)));
        await Promise.all([...puts, stage.clock.advance(FLUSH_MS)]);
      }
    },
  },
  {
    name: 'writes wait for the engine',
    settings: { overlayBytesMax: 1_000 },
    before: started,
    async act(stage) {
      for (let round = 0; round < 4; round += 1) {
        await Promise.all(Array.from({ length: 6 }, (_, i) => stage.put(`k${i}`, `${round}`.repeat(80))));
      }
    },
  },
  {
    name: 'the log lets go of what the engine has',
    ...FILLED,
    async act(stage) {
      for (let round = 0; round < 4; round += 1) {
        await putAll(stage, 5, 300);
        await stage.clock.advance(FLUSH_MS);
      }
    },
  },
  {
    name: 'the log lets go, before and after a restart',
    settings: LETS_GO,
    async before(stage) {
      await stage.start();
      await putAll(stage, 10, 300);
    },
    async act(stage) {
      await stage.clock.advance(FLUSH_MS);
      await putAll(stage, 6, 300);
      await stage.clock.advance(FLUSH_MS);
      stage.kill();
      await stage.start();
      await putAll(stage, 6, 300);
      await stage.clock.advance(FLUSH_MS);
    },
  },
  {
    name: 'much is written while the engine takes its time, and the log lets go',
    ...FILLED,
    async act(stage) {
      for (let round = 0; round < 2; round += 1) {
        const letGo = stage.holdSyncs(ENGINE_FOLDER);
        await putAll(stage, 20, 300);
        letGo();
        await turns(1);
      }
    },
  },
  {
    name: 'leases and compaction while the engine writes',
    settings: LETS_GO,
    before: started,
    async act(stage) {
      await stage.answer(stage.store.grantLease('60s', { id: 7n }));
      await stage.put('a', '1', { lease: 7n });
      await stage.clock.advance(FLUSH_MS);
      await stage.put('a', '2');
      await stage.answer(stage.store.compact(stage.running.member.revision));
      await stage.clock.advance(FLUSH_MS);
      await stage.answer(stage.store.lease(7n).revoke());
    },
  },
];
