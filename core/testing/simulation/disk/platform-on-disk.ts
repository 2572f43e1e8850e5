import { OverlayBackend } from '../../../backend/overlay-backend.js';
import { RewritableEngine } from '../../../backend/rewritable-engine.js';
import { DataDirError } from '../../../base/errors.js';
import type { Platform } from '../../../server/platform.js';
import type { VirtualDisk } from './virtual-disk.js';
import { VirtualEngine } from './virtual-engine.js';

/** What a member meets of a disk that is virtual. */
export function platformOnDisk(disk: VirtualDisk): Pick<Platform, 'disk' | 'lock' | 'checkAccess' | 'openEngine'> {
  return {
    disk,
    async lock(folder) {
      const claim = {};
      if (disk.locks.has(folder)) throw new DataDirError('DATA_DIR_LOCKED', folder, 'another process has it open');
      disk.locks.set(folder, claim);
      return {
        async release() {
          // Once its process has ended, somebody else may have it.
          if (disk.locks.get(folder) === claim) disk.locks.delete(folder);
        },
      };
    },
    async checkAccess() {},
    async openEngine({ path, overlayBytesMax, clock }) {
      const open = (at: string) => VirtualEngine.open(disk, at);
      return new OverlayBackend(new RewritableEngine(await open(path), open, clock), overlayBytesMax, clock);
    },
  };
}
