import type { VirtualDisk } from '../simulation/disk/virtual-disk.js';

/**
 * Holds back the end of every sync of files below a folder, so that nothing there becomes durable; all else that the disk
 * does goes on. As a disk on which a large file waits long for its turn.
 *
 * @param isOver - whether who asked is gone: what was held back then never ends
 * @returns lets them end, those that were held back and those to come
 */
export function holdSyncs(disk: VirtualDisk, folder: string, isOver: () => boolean): () => void {
  const held: (() => void)[] = [];
  disk.complete = (end, _, { name, path }) => {
    if (name === 'sync' && path.startsWith(`${folder}/`)) held.push(end);
    else end();
  };
  return () => {
    disk.complete = (end) => end();
    if (!isOver()) for (const end of held) end();
  };
}
