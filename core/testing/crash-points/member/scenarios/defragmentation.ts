import { prefix } from '../../../../base/key-range.js';
import { mustHold } from '../../violation.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { FLUSH_MS } from './compaction.js';
import { LETS_GO } from './engine.js';
import { putAll } from './writes.js';

/** A member whose engine has room for more than it holds. */
const FRAGMENTED: Pick<Scenario, 'settings' | 'before'> = {
  settings: LETS_GO,
  async before(stage) {
    await stage.start();
    await putAll(stage, 10, 300);
    await stage.answer(stage.store.delete(prefix('k')));
    await stage.put('a', 'stays');
    await stage.answer(stage.store.compact(stage.running.member.revision));
    await stage.clock.advance(FLUSH_MS);
  },
};

/** The engine is smaller than before. */
async function defragmented(stage: Stage): Promise<void> {
  const { member } = stage.running;
  const { sizeBytes } = member.status();
  await stage.answer(member.defragment());
  mustHold(member.status().sizeBytes < sizeBytes, () => 'a defragmented engine is smaller than it was');
}

/** The engine is written anew, and takes the place of what was there. */
export const DEFRAGMENTATION: readonly Scenario[] = [
  { name: 'the engine is defragmented', ...FRAGMENTED, act: defragmented },
  {
    name: 'the engine is defragmented while it is written to, and the log lets go',
    ...FRAGMENTED,
    async act(stage) {
      const written = async () => {
        for (let round = 0; round < 3; round += 1) {
          await putAll(stage, 5, 300);
          await stage.clock.advance(FLUSH_MS);
        }
      };
      await Promise.all([stage.answer(stage.running.member.defragment()), written()]);
      await stage.put('a', 'after');
      await stage.clock.advance(FLUSH_MS);
    },
  },
  {
    name: 'the engine is defragmented twice, with a restart in between',
    ...FRAGMENTED,
    async act(stage) {
      await defragmented(stage);
      await stage.put('a', 'between');
      stage.kill();
      await stage.start();
      await stage.clock.advance(FLUSH_MS);
      await stage.answer(stage.running.member.defragment());
      await stage.put('a', 'after');
    },
  },
];
