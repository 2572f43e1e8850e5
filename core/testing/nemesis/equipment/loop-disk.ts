import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { hasOwnMounts } from './own-mounts.js';

const COPY_ATTEMPTS_MAX = 20;

/**
 * A disk of which a copy can be taken while it is in use: ext4 in a file, through a loop device. The file holds what reached
 * the disk; what a process wrote and nobody synced is still in the memory of the file system above. So a copy of the
 * file is what a power cut at that moment leaves.
 */
export class LoopDisk {
  readonly #image: string;
  readonly #folder: string;
  readonly #device: string;

  private constructor(image: string, folder: string, device: string) {
    this.#image = image;
    this.#folder = folder;
    this.#device = device;
  }

  /** @returns why there can be none here */
  static whyNot(): string | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can mount a loop device';
    // Should this process be killed, nobody else would unmount it.
    if (!hasOwnMounts()) return 'mounts of its own are not allowed here';
    if (spawnSync('mkfs.ext4', ['-V']).status !== 0) return 'there is no mkfs.ext4';
    return spawnSync('losetup', ['-f']).status === 0 ? undefined : 'there is no free loop device';
  }

  /** Makes a disk of so many bytes, of which the file takes only what is used. */
  static make(image: string, folder: string, bytes: number): LoopDisk {
    const file = openSync(image, 'w');
    ftruncateSync(file, bytes);
    closeSync(file);
    must('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=1', image);
    return LoopDisk.#mount(image, folder);
  }

  /** Mounts what {@link copyTo} made; the file system repairs itself from its journal, as after a power cut. */
  static open(image: string, folder: string): LoopDisk {
    return LoopDisk.#mount(image, folder);
  }

  static #mount(image: string, folder: string): LoopDisk {
    mkdirSync(folder, { recursive: true });
    must('mount', '-o', 'loop', image, folder);
    const device = must('findmnt', '-n', '-o', 'SOURCE', '--mountpoint', folder).trim();
    return new LoopDisk(image, folder, device);
  }

  /**
   * Copies the disk as it is at one moment; nobody may write to it meanwhile, and what the file system writes late by itself
   * makes it begin anew.
   */
  async copyTo(image: string): Promise<void> {
    for (let attempt = 0; attempt < COPY_ATTEMPTS_MAX; attempt += 1) {
      const before = this.#writes();
      must('cp', '--sparse=always', this.#image, image);
      if (this.#writes() === before) return;
      await delay(20);
    }
    throw new Error(`${this.#device} was written to during each of ${COPY_ATTEMPTS_MAX} copies`);
  }

  /** What is not yet on the disk is lost with it only if {@link copyTo} was before. Nobody may have a file open. */
  unmount(): void {
    must('umount', this.#folder);
  }

  /** Lazily, for whoever cleans up. */
  abandon(): void {
    spawnSync('umount', ['-l', this.#folder]);
  }

  remove(): void {
    rmSync(this.#image, { force: true });
  }

  /** Writes begun and ended, and those under way. */
  #writes(): string {
    const fields = readFileSync(`/sys/block/${this.#device.replace('/dev/', '')}/stat`, 'latin1')
      .trim()
      .split(/\s+/);
    const [completed, underWay] = [fields[4], fields[8]];
    return underWay === '0' ? `${completed}` : `${completed}, ${underWay} under way ${performance.now()}`;
  }
}

function must(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
  return stdout;
}
