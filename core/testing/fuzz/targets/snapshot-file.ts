import { DataDirError, InvalidArgumentError, SnapshotDamagedError, SnapshotNewerError } from '../../../base/errors.js';
import { saveSnapshot } from '../../../server/restore.js';
import { inChunks } from '../../../snapshot/testing/states.js';
import { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { assertRefusal } from '../codec-target.js';
import { Finding, type FuzzTarget } from '../target.js';
import { snapshot } from './snapshot.js';

const FILE = '/backup.snap';
/** What a backup may be refused with. */
export const BACKUP_REFUSALS = [SnapshotDamagedError, SnapshotNewerError, InvalidArgumentError, DataDirError];

/** What `conclave snapshot save` downloads: a file of that name is there only once it is whole. */
export const snapshotFile: FuzzTarget = {
  name: 'snapshot-file',
  what: 'what is saved as a backup',
  inputsPerSecond: 2_000,
  allocatedBytesMax: (inputBytes) => 8 * 1024 * 1024 + 256 * inputBytes,
  draw: async (chance) => ({ input: (await snapshot.draw(chance)).input }),
  seal: (input) => snapshot.seal?.(input),
  judge: async (input, _origin, chance) => {
    const disk = new VirtualDisk();
    const ends = chance.list(10, () => chance.between(0, input.length)).sort((a, b) => a - b);
    try {
      const { totalSizeBytes } = await saveSnapshot(inChunks(input, ...ends), FILE, { disk });
      if (totalSizeBytes !== input.length || !disk.contentOf(FILE).equals(input))
        throw new Finding('another file was saved');
      return 'read';
    } catch (error) {
      if (error instanceof Finding) throw error;
      assertRefusal(error, BACKUP_REFUSALS);
      if (disk.files('/').length > 0) throw new Finding('a file was left behind that is no snapshot');
      return 'refused';
    }
  },
};
