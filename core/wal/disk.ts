/**
 * The few things that the log and the data folder ask of a disk. `node-disk.ts` is the real one; `core/testing/simulation/disk`
 * forgets, tears and fails as tests demand. Paths are absolute, or relative to where the process runs, with `/` between their parts. Everything
 * rejects with the operating system's error, whose `code` tells what happened.
 */
export interface Disk {
  /** Makes a directory; if it exists already, nothing happens. Its parent must exist. */
  makeDirectory(path: string): Promise<void>;
  /** Whether there is a file or directory of this name. */
  exists(path: string): Promise<boolean>;
  /** The names in a directory, in no particular order. */
  list(path: string): Promise<readonly string[]>;
  /** Opens a file to read and write; with `'read'`, one that may not be written, too. */
  open(path: string, access?: 'read'): Promise<DiskFile>;
  /** Makes an empty file, in place of one of this name if there is one, and opens it. */
  create(path: string): Promise<DiskFile>;
  /** Gives a file or directory another name, in place of a file that has it. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes a directory and all that is in it, or a file; if there is none, nothing happens. A crash leaves any part. */
  removeTree(path: string): Promise<void>;
  /** Makes it durable which names the directory has: without this, a crash may undo what was made, renamed, removed. */
  syncDirectory(path: string): Promise<void>;
}

/** An open file. */
export interface DiskFile {
  sizeBytes(): Promise<number>;
  /** The bytes of [offset, offset + length), fewer if the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Writes all the bytes or rejects, having written any part of them. The bytes must not change meanwhile. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Makes what was written durable, and the file's size (fdatasync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}
