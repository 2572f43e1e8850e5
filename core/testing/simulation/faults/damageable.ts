import type { FileAt, VirtualDisk } from '../disk/virtual-disk.js';

/** Where a group of the log begins; see `core/wal/format.ts`. */
const GROUP_MAGIC = Buffer.from('CgrP');
const LOG_SEGMENT = /\.wal$/;

/**
 * The files of a disk with as much of each as may be damaged without any store being at a loss: all but the last group of
 * the log. Damaged, that one looks like a write that a crash has torn, which nobody was told of and which is cut off; a
 * single checksum cannot tell the two apart (Alagappan et al. 2018, "Protocol-aware recovery for consensus-based storage").
 */
export function damageableOf(disk: VirtualDisk): readonly FileAt[] {
  const files = disk.files();
  const active = files.filter(({ path }) => LOG_SEGMENT.test(path)).at(-1);
  const damageable = files.map((file) =>
    file === active ? { path: file.path, sizeBytes: lastGroupOf(disk.contentOf(file.path)) } : file,
  );
  return damageable.filter(({ sizeBytes }) => sizeBytes > 0);
}

function lastGroupOf(segment: Buffer): number {
  return Math.max(0, segment.lastIndexOf(GROUP_MAGIC));
}
