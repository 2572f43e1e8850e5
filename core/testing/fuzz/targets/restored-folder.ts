import { DataDirError } from '../../../base/errors.js';
import { seededPrng } from '../../../base/prng.js';
import { clusterOf } from '../../../server/cluster.js';
import { restoreSnapshotOn } from '../../../server/restore.js';
import { ManualClock } from '../../manual-clock.js';
import { platformOnDisk } from '../../simulation/disk/platform-on-disk.js';
import { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { assertRefusal, assertSame } from '../codec-target.js';
import { Finding, type FuzzTarget } from '../target.js';
import { snapshot } from './snapshot.js';
import { BACKUP_REFUSALS } from './snapshot-file.js';

const FILE = '/backup.snap';
const FOLDER = '/data';
const { clusterId, members, configuration } = clusterOf({ peers: { a: ['http://a:2380'], b: ['http://b:2380'] } });

/** What `conclave snapshot restore` is given: a folder comes of it as a whole, or none does, and none is written over. */
export const restoredFolder: FuzzTarget = {
  name: 'restored-folder',
  what: 'a backup of which a data folder is made',
  inputsPerSecond: 500,
  allocatedBytesMax: (inputBytes) => 16 * 1024 * 1024 + 512 * inputBytes,
  draw: async (chance) => ({ input: (await snapshot.draw(chance)).input }),
  seal: (input) => snapshot.seal?.(input),
  judge: async (input, _origin, chance) => {
    const disk = new VirtualDisk();
    disk.alter(FILE, input);
    const surroundings = { platform: platformOnDisk(disk), clock: new ManualClock(), prng: seededPrng(1) };
    const [self] = members;
    const identity = { clusterId, memberId: self?.id ?? 1n, incarnation: 1n };
    const restore = (skipHashCheck: boolean) =>
      restoreSnapshotOn(surroundings, { file: FILE, dataDir: FOLDER, identity, members, configuration, skipHashCheck });
    try {
      await restore(chance.oneIn(3));
    } catch (error) {
      assertRefusal(error, BACKUP_REFUSALS);
      const left = disk.files('/').map(({ path }) => path);
      assertSame(left, [FILE], 'of a restore that failed nothing is left but the backup');
      return 'refused';
    }
    const made = contentsOf(disk);
    await restore(true).then(
      () => Promise.reject(new Finding('a folder that is not empty is written over')),
      (error: unknown) => assertRefusal(error, [DataDirError]),
    );
    assertSame(contentsOf(disk), made, 'a restore that was refused changes nothing');
    return 'read';
  },
};

function contentsOf(disk: VirtualDisk): readonly (readonly [string, Buffer])[] {
  return disk.files('/').map(({ path }) => [path, disk.contentOf(path)]);
}
