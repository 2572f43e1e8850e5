import { join } from 'node:path/posix';
import { mustHold } from '../../violation.js';
import type { Scenario } from '../scenario.js';
import { DATA_DIR, type Stage } from '../stage.js';
import { FLUSH_MS } from './compaction.js';
import { FILLED } from './engine.js';
import { putAll } from './writes.js';

/** Lets one sync of the files in a folder of the member fail, after so many that succeed. */
function failSync(stage: Stage, folder: 'db' | 'wal', after: number): void {
  const { disk } = stage;
  const { fault } = disk;
  const files = join(DATA_DIR, folder, '/');
  let left = after;
  disk.fault = (operation) => {
    const usual = fault(operation);
    if (usual !== undefined || operation.name !== 'sync' || !operation.path.startsWith(files)) return usual;
    left -= 1;
    return left === -1 ? { code: 'EIO' } : undefined;
  };
}

/** A member that ends because a sync fails, and is started again on the same machine, which has kept its memory. */
function goesOnAfter(name: string, folder: 'db' | 'wal', after: number): Scenario {
  return {
    name,
    ...FILLED,
    async act(stage) {
      failSync(stage, folder, after);
      await putAll(stage, 6, 300).catch(() => undefined);
      await stage.clock.advance(FLUSH_MS);
      const why = await stage.running.member.stopped;
      mustHold(why !== undefined, () => 'a member whose sync failed has stopped by itself');
      await stage.close();
      await stage.start();
      for (let round = 0; round < 3; round += 1) {
        await putAll(stage, 6, 300);
        await stage.clock.advance(FLUSH_MS);
      }
    },
  };
}

/** What was written, and not synced, is in the memory of the system and may never be on the disk. */
export const FAILED_SYNCS: readonly Scenario[] = [
  goesOnAfter('a sync of the engine fails, and the member is started again', 'db', 0),
  goesOnAfter('a transaction of the engine is synced, and not what names it', 'db', 1),
  goesOnAfter('a sync of the log fails, and the member is started again', 'wal', 2),
];
