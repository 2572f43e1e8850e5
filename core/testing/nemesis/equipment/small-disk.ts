import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILLER = 'filler';
/** Memory is taken only as it is written, in pieces of this size. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A disk in memory, small enough to be filled. */
export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @returns why there can be none here */
  static whyNot(): string | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a small disk';
    const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
    return status === 0 ? undefined : 'mounting is not allowed here';
  }

  /** @throws if it cannot be mounted */
  static mount(folder: string, bytes: number): SmallDisk {
    mkdirSync(folder, { recursive: true });
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
    if (status !== 0) throw new Error(`no disk was mounted: ${String(stderr)}`);
    return new SmallDisk(folder);
  }

  /** Leaves so many bytes free. */
  fill(leftBytes = 0): void {
    const { bavail, bsize } = statfsSync(this.folder);
    const file = join(this.folder, FILLER);
    for (let left = bavail * bsize - leftBytes; left > 0; left -= CHUNK_BYTES) {
      writeFileSync(file, new Uint8Array(Math.min(left, CHUNK_BYTES)), { flag: 'a' });
    }
  }

  /** Takes back what was filled. */
  free(): void {
    rmSync(join(this.folder, FILLER), { force: true });
  }

  unmount(): void {
    // Lazily: a process that is being killed may have a file open for another moment.
    spawnSync('umount', ['-l', this.folder]);
  }
}
