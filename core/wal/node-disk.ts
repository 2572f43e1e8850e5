import { close, fdatasync, fstat, fsync, mkdir, open, read, readdir, rename, rm, stat, unlink, write } from 'node:fs';
import type { Disk, DiskFile } from './disk.js';

/** The files of this machine. The calls with callbacks, which are cheaper than the promises of `node:fs/promises`. */
export const nodeDisk: Disk = {
  async makeDirectory(path) {
    await settled((done) => mkdir(path, { mode: 0o700 }, done)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  },
  async exists(path) {
    return settled((done) => stat(path, done)).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  },
  list: (path) => answered<string[]>((done) => readdir(path, done)),
  open: (path, access) => openFile(path, access === 'read' ? 'r' : 'r+'),
  create: (path) => openFile(path, 'w+'),
  rename: (from, to) => settled((done) => rename(from, to, done)),
  remove: (path) => settled((done) => unlink(path, done)),
  removeTree: (path) => settled((done) => rm(path, { recursive: true, force: true }, done)),
  async syncDirectory(path) {
    const descriptor = await answered<number>((done) => open(path, 'r', done));
    try {
      await settled((done) => fsync(descriptor, done));
    } finally {
      await settled((done) => close(descriptor, done));
    }
  },
};

async function openFile(path: string, flags: 'r' | 'r+' | 'w+'): Promise<DiskFile> {
  return new NodeFile(await answered<number>((done) => open(path, flags, 0o600, done)));
}

class NodeFile implements DiskFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async sizeBytes(): Promise<number> {
    const stats = await answered<{ size: number }>((done) => fstat(this.#descriptor, done));
    return stats.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const count = await answered<number>((callback) =>
        read(this.#descriptor, bytes, done, length - done, offset + done, callback),
      );
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  write(bytes: Uint8Array, offset: number): Promise<void> {
    return writeFully((from, done) => {
      write(this.#descriptor, bytes, from, bytes.length - from, offset + from, done);
    }, bytes.length);
  }

  sync(): Promise<void> {
    return settled((done) => fdatasync(this.#descriptor, done));
  }

  close(): Promise<void> {
    return settled((done) => close(this.#descriptor, done));
  }
}

/**
 * Goes on writing until all is written: the system may take less than it was given, as when the disk is nearly full, and
 * tells why only when asked again.
 *
 * @param writeFrom - writes from this position to the end, and calls back with how much it wrote
 */
export async function writeFully(
  writeFrom: (from: number, done: Callback<number>) => void,
  lengthBytes: number,
): Promise<void> {
  let from = 0;
  while (from < lengthBytes) {
    const count = await answered<number>((done) => writeFrom(from, done));
    if (count === 0) throw Object.assign(new Error('the disk takes no more bytes'), { code: 'EIO', syscall: 'write' });
    from += count;
  }
}

type Callback<T> = (error: NodeJS.ErrnoException | null, answer: T) => void;

function answered<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));
}

function settled(call: (done: (error: NodeJS.ErrnoException | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}
