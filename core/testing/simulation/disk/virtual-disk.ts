import { basename, dirname, join } from 'node:path/posix';
import type { Disk, DiskFile } from '../../../wal/disk.js';
import { Directory, type Node } from './directory.js';
import { FileContent, type OnEffect } from './file-content.js';
import { judgeOf, type Survival } from './survival.js';

/** What a disk is asked to do, as a test sees it before it is done. */
export interface DiskOperation {
  /** Counted from 0. */
  readonly number: number;
  readonly name: keyof Disk | keyof DiskFile;
  readonly path: string;
  /** What a write writes; 0 for all else. */
  readonly lengthBytes: number;
}

/**
 * What goes wrong with an operation: it fails, a write perhaps after the first bytes of it; a write goes somewhere else
 * than it should, and is reported as done; or the power is cut while it is under way, and no operation after it is begun.
 */
export type DiskFault =
  { readonly code: string; readonly writtenBytes?: number } | { readonly shiftedBytes: number } | 'power cut';

/** A file on the disk, as faults choose among them. */
export interface FileAt {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * A disk in memory that keeps exactly what was synced, and fails as it is told. After a failed sync it behaves as Linux
 * does: what was written can still be read, but is no longer known as unwritten, and a later sync will not make it
 * durable. Paths are absolute.
 */
export class VirtualDisk implements Disk {
  /** Asked before each operation what goes wrong with it. */
  fault: (operation: DiskOperation) => DiskFault | undefined = () => undefined;
  /** Asked by how many milliseconds an operation is slower than usual; `Infinity`: it never ends. */
  delayMs: (operation: DiskOperation) => number = () => 0;
  /**
   * Given what ends an operation, to be called so much later than usual. What it does to the disk is done by then, but
   * for a sync: what it covers is durable only at its end.
   */
  complete: (end: () => void, delayMs: number, operation: DiskOperation) => void = (end) => end();
  /** Told of everything that went wrong and was noticed, or could have been. */
  onEffect: OnEffect = () => {};
  /** Bytes of files that it takes. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Which folders the process that uses the disk has locked, and its claims; they are free again when it ends. */
  readonly locks = new Map<string, object>();
  #operationCount = 0;
  #isCut = false;
  #root: Directory;

  constructor(root = new Directory()) {
    this.#root = root;
  }

  get operationCount(): number {
    return this.#operationCount;
  }

  /** Cuts the power: who used the disk is gone with it, and it is found as this leaves it. */
  powerCut(survival: Survival): void {
    this.#root = this.#leftBy(survival, this.onEffect);
    this.ended();
  }

  /** The process that used the disk has ended. What it wrote stays, synced or not. */
  ended(): void {
    this.locks.clear();
    this.#isCut = false;
  }

  /** Puts an empty disk in its place. */
  wipe(): void {
    this.#root = new Directory();
    this.ended();
  }

  /** The disk as it is found after a power cut; this one stays as it is. */
  afterPowerCut(survival: Survival): VirtualDisk {
    return new VirtualDisk(this.#leftBy(survival, () => {}));
  }

  /** The disk as it is found after its process has ended; this one stays as it is. */
  afterKill(): VirtualDisk {
    const left = new VirtualDisk(this.#root.copy());
    // What is not synced was written by operations of before, and its numbers go on.
    left.#operationCount = this.#operationCount;
    return left;
  }

  /** All files, in order of their paths. */
  files(under = '/'): readonly FileAt[] {
    return this.#filesUnder(under).map(([path, file]) => ({ path, sizeBytes: file.bytes.length }));
  }

  /** How many bytes of files at or below a path were written since they were synced. */
  unsyncedBytes(under = '/'): number {
    return this.#filesUnder(under).reduce((sum, [, file]) => sum + file.unsyncedBytes, 0);
  }

  /** What a file holds, for a test to look at. */
  contentOf(path: string): Buffer {
    return Buffer.from(this.#file(path, 'open').bytes);
  }

  /** Puts something else into a file behind everybody's back, durably. */
  alter(path: string, content: Uint8Array): void {
    this.#directory(dirname(path), 'open').put(basename(path), new FileContent(content));
  }

  /** Turns a bit of a file. Noticed, if ever, when it is read. */
  flip(path: string, offset: number, bit: number): void {
    this.#file(path, 'open').flip(offset, bit);
  }

  /** Makes the sector of a file at this offset fail to be read, until it is written. */
  spoil(path: string, offset: number): void {
    this.#file(path, 'open').spoil(offset);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#operate('makeDirectory', path, (number) => {
      const parent = this.#directory(dirname(path), 'mkdir');
      if (this.#node(path) === undefined) parent.change({ number, names: [[basename(path), new Directory()]] });
    });
  }

  exists(path: string): Promise<boolean> {
    return this.#operate('exists', path, () => this.#node(path) !== undefined);
  }

  list(path: string): Promise<readonly string[]> {
    return this.#operate('list', path, () => this.#directory(path, 'scandir').names);
  }

  open(path: string): Promise<DiskFile> {
    return this.#operate('open', path, () => this.#opened(path, this.#file(path, 'open')));
  }

  create(path: string): Promise<DiskFile> {
    return this.#operate('create', path, (number) => {
      const parent = this.#directory(dirname(path), 'open');
      if (this.#node(path) instanceof Directory) throw systemError('EISDIR', 'open');
      const file = new FileContent();
      parent.change({ number, names: [[basename(path), file]] });
      return this.#opened(path, file);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate('rename', from, (number) => {
      const node = this.#node(from);
      if (node === undefined) throw systemError('ENOENT', 'rename');
      const parent = this.#directory(dirname(to), 'rename');
      if (this.#node(to) instanceof Directory) throw systemError('ENOTEMPTY', 'rename');
      if (dirname(from) !== dirname(to)) throw systemError('EXDEV', 'rename');
      parent.change({
        number,
        names: [
          [basename(to), node],
          [basename(from), undefined],
        ],
      });
    });
  }

  remove(path: string): Promise<void> {
    return this.#operate('remove', path, (number) => {
      this.#file(path, 'unlink');
      this.#unlink(path, number);
    });
  }

  /** One name after the other, as a system does it. */
  async removeTree(path: string): Promise<void> {
    const node = this.#node(path);
    if (node instanceof Directory) for (const name of node.names) await this.removeTree(join(path, name));
    await this.#operate('removeTree', path, (number) => {
      if (this.#node(path) !== undefined) this.#unlink(path, number);
    });
  }

  syncDirectory(path: string): Promise<void> {
    let atEnd = () => {};
    return this.#operate(
      'syncDirectory',
      path,
      (number) => {
        const directory = this.#directory(path, 'open');
        atEnd = () => directory.sync(number);
      },
      { atEnd: () => atEnd() },
    );
  }

  #opened(path: string, file: FileContent): DiskFile {
    return {
      sizeBytes: () => this.#operate('sizeBytes', path, () => file.bytes.length),
      read: (offset, length) => this.#operate('read', path, () => this.#read(file, offset, length)),
      write: (bytes, offset) => this.#write(path, file, bytes, offset),
      sync: () => {
        let before = 0;
        return this.#operate('sync', path, (number) => void (before = number), {
          atEnd: () => file.sync(before),
          failed: () => file.forgetUnsynced(),
        });
      },
      close: () => this.#operate('close', path, () => {}),
    };
  }

  #read(file: FileContent, offset: number, length: number): Uint8Array {
    const bytes = file.read(offset, length, this.onEffect);
    if (bytes === undefined) throw systemError('EIO', 'read');
    return bytes;
  }

  #write(path: string, file: FileContent, bytes: Uint8Array, offset: number): Promise<void> {
    const act = (number: number, shiftedBytes: number) => {
      const at = Math.max(0, offset + shiftedBytes);
      const room = this.#roomFor(file, at + bytes.length) - at;
      file.write(number, bytes.subarray(0, Math.max(0, room)), at);
      if (room >= bytes.length) return;
      this.onEffect('write: ENOSPC');
      throw systemError('ENOSPC', 'write');
    };
    const failed = (number: number, writtenBytes: number) =>
      file.write(number, bytes.subarray(0, writtenBytes), offset);
    return this.#operate('write', path, act, { lengthBytes: bytes.length, failed });
  }

  /** How large a file may be that is to be so large. */
  #roomFor(file: FileContent, sizeBytes: number): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY || sizeBytes <= file.bytes.length) return sizeBytes;
    const used = this.files().reduce((sum, each) => sum + each.sizeBytes, 0);
    return Math.max(file.bytes.length, Math.min(sizeBytes, file.bytes.length + this.capacityBytes - used));
  }

  #operate<T>(
    name: DiskOperation['name'],
    path: string,
    act: (number: number, shiftedBytes: number) => T,
    more: OperationDetails = {},
  ): Promise<T> {
    if (this.#isCut) return Promise.reject(systemError('EPOWER', name));
    const operation = { number: this.#operationCount, name, path, lengthBytes: more.lengthBytes ?? 0 };
    this.#operationCount += 1;
    return new Promise((resolve, reject) => {
      const end = this.#begin(operation, act, more, resolve, reject);
      const delayMs = this.delayMs(operation);
      if (delayMs > 0) this.onEffect(`${name}: ${delayMs === Number.POSITIVE_INFINITY ? 'hung' : 'slow'}`);
      this.complete(end, delayMs, operation);
    });
  }

  /** @returns what ends it */
  #begin<T>(
    operation: DiskOperation,
    act: (number: number, shiftedBytes: number) => T,
    { atEnd, failed }: OperationDetails,
    resolve: (answer: T) => void,
    reject: (error: Error) => void,
  ): () => void {
    const { number, name } = operation;
    const fault = this.fault(operation);
    try {
      if (fault === 'power cut') this.#cut(operation, act);
      if (fault !== undefined) this.onEffect(`${name}: ${'code' in fault ? fault.code : 'shifted'}`);
      if (fault !== undefined && 'code' in fault) {
        failed?.(number, fault.writtenBytes ?? 0);
        throw systemError(fault.code, SYSCALLS[name] ?? name);
      }
      const answer = act(number, fault?.shiftedBytes ?? 0);
      return () => {
        atEnd?.();
        resolve(answer);
      };
    } catch (error) {
      return () => reject(error as Error);
    }
  }

  #cut({ number, name }: DiskOperation, act: (number: number, shiftedBytes: number) => unknown): never {
    this.#isCut = true;
    if (CHANGES.has(name)) act(number, 0);
    throw systemError('EPOWER', name);
  }

  #leftBy(survival: Survival, onEffect: OnEffect): Directory {
    return this.#root.afterPowerCut(judgeOf(survival, this.#root.lastUnsynced()), onEffect);
  }

  #filesUnder(path: string): readonly (readonly [path: string, file: FileContent])[] {
    const node = this.#node(path);
    if (node instanceof FileContent) return [[path, node]];
    return node === undefined ? [] : node.names.flatMap((name) => this.#filesUnder(join(path, name)));
  }

  #unlink(path: string, number: number): void {
    this.#directory(dirname(path), 'unlink').change({ number, names: [[basename(path), undefined]] });
  }

  #node(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      if (node instanceof FileContent) throw systemError('ENOTDIR', 'open');
      node = node?.get(name);
    }
    return node;
  }

  #file(path: string, syscall: string): FileContent {
    const node = this.#node(path);
    if (node === undefined) throw systemError('ENOENT', syscall);
    if (node instanceof Directory) throw systemError('EISDIR', syscall);
    return node;
  }

  #directory(path: string, syscall: string): Directory {
    const node = this.#node(path);
    if (node === undefined) throw systemError('ENOENT', syscall);
    if (node instanceof FileContent) throw systemError('ENOTDIR', syscall);
    return node;
  }
}

interface OperationDetails {
  readonly lengthBytes?: number;
  readonly atEnd?: () => void;
  /** What is done of it all the same if it fails. */
  readonly failed?: (number: number, writtenBytes: number) => void;
}

/** Operations of which a part may be done when the power is cut. A sync that is cut has done nothing more for certain. */
const CHANGES: ReadonlySet<DiskOperation['name']> = new Set([
  'makeDirectory',
  'create',
  'rename',
  'remove',
  'removeTree',
  'write',
]);

/** What the operating system calls them in its errors, where that is something else. */
const SYSCALLS: Partial<Record<DiskOperation['name'], string>> = { list: 'scandir' };

function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
