import { dirname } from 'node:path/posix';
import { asBuffer } from '../../base/bytes.js';
import type { Prng } from '../../base/prng.js';
import type { Disk, DiskFile } from '../disk.js';

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
 * What goes wrong with an operation: it fails, a write perhaps after the first bytes of it; or the power is cut while it
 * is under way, and no operation after it is begun.
 */
export type DiskFault = { readonly code: string; readonly writtenBytes?: number } | 'power cut';

/**
 * What a power cut leaves of that which was not synced: nothing, everything, or by chance, each sector of each write and
 * each change of a name by itself.
 */
export type Survival = 'nothing' | 'everything' | Prng;

/** What a drive writes wholly or not at all. */
const SECTOR_BYTES = 512;

/**
 * A disk in memory that keeps exactly what was synced. After a failed sync it behaves as Linux does: what was written can
 * still be read, but is no longer known as unwritten, and a later sync will not make it durable.
 */
export class MemoryDisk implements Disk {
  /** Asked before each operation. */
  fault: (operation: DiskOperation) => DiskFault | undefined = () => undefined;
  #operationCount = 0;
  #isCut = false;
  readonly #names: Map<string, Node>;
  readonly #durableNames: Map<string, Node>;
  #unsyncedNames: NameChange[] = [];

  constructor(nodes: ReadonlyMap<string, Node> = new Map<string, Node>([['/', 'directory']])) {
    this.#names = new Map(nodes);
    this.#durableNames = new Map(nodes);
  }

  get operationCount(): number {
    return this.#operationCount;
  }

  /** The disk as it is found after a power cut. */
  afterPowerCut(survival: Survival): MemoryDisk {
    const names = new Map(this.#durableNames);
    for (const change of this.#unsyncedNames) if (survives(survival)) applyChange(names, change);
    const left = new Map<string, Node>();
    for (const [path, node] of [...names].sort()) {
      if (path !== '/' && !left.has(dirname(path))) continue;
      left.set(path, node === 'directory' ? node : node.afterPowerCut(survival));
    }
    return new MemoryDisk(left);
  }

  /** What a file holds, for a test to look at. */
  contentOf(path: string): Buffer {
    return Buffer.from(this.#file(path, 'open').content());
  }

  /** Puts something else into a file behind the log's back, durably. */
  alter(path: string, content: Uint8Array): void {
    this.#names.set(path, new FileContent(content));
    this.#durableNames.set(path, this.#names.get(path) as Node);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#operate('makeDirectory', path, () => {
      this.#requireDirectory(dirname(path), 'mkdir');
      if (!this.#names.has(path)) this.#change([{ path, node: 'directory' }]);
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#operate('list', path, () => {
      this.#requireDirectory(path, 'scandir');
      const inside = [...this.#names.keys()].filter((name) => name !== '/' && dirname(name) === path);
      return inside.map((name) => name.slice(name.lastIndexOf('/') + 1));
    });
  }

  open(path: string): Promise<DiskFile> {
    return this.#operate('open', path, () => this.#opened(path, this.#file(path, 'open')));
  }

  create(path: string): Promise<DiskFile> {
    return this.#operate('create', path, () => {
      this.#requireDirectory(dirname(path), 'open');
      const file = new FileContent();
      this.#change([{ path, node: file }]);
      return this.#opened(path, file);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#operate('rename', from, () =>
      this.#change([
        { path: to, node: this.#file(from, 'rename') },
        { path: from, node: undefined },
      ]),
    );
  }

  remove(path: string): Promise<void> {
    return this.#operate('remove', path, () => {
      this.#file(path, 'unlink');
      this.#change([{ path, node: undefined }]);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#operate('syncDirectory', path, () => {
      this.#requireDirectory(path, 'open');
      const isHere = (change: NameChange) => dirname((change[0] as NameChange[number]).path) === path;
      for (const change of this.#unsyncedNames.filter(isHere)) applyChange(this.#durableNames, change);
      this.#unsyncedNames = this.#unsyncedNames.filter((change) => !isHere(change));
    });
  }

  #opened(path: string, file: FileContent): DiskFile {
    return {
      sizeBytes: () => this.#operate('sizeBytes', path, () => file.content().length),
      read: (offset, length) =>
        this.#operate('read', path, () => Buffer.from(file.content().subarray(offset, offset + length))),
      write: (bytes, offset) =>
        this.#operate('write', path, () => file.write(bytes, offset), {
          lengthBytes: bytes.length,
          fail: (writtenBytes) => file.write(bytes.subarray(0, writtenBytes), offset),
        }),
      sync: () => this.#operate('sync', path, () => file.sync(), { fail: () => file.forgetUnsynced() }),
      close: () => this.#operate('close', path, () => {}),
    };
  }

  /** @param more - `fail`: what is done of it all the same if it fails */
  async #operate<T>(
    name: DiskOperation['name'],
    path: string,
    act: () => T,
    more: { readonly lengthBytes?: number; readonly fail?: (writtenBytes: number) => void } = {},
  ): Promise<T> {
    if (this.#isCut) throw systemError('EPOWER', name);
    const fault = this.fault({ number: this.#operationCount, name, path, lengthBytes: more.lengthBytes ?? 0 });
    this.#operationCount += 1;
    if (fault === undefined) return act();
    if (fault !== 'power cut') {
      more.fail?.(fault.writtenBytes ?? 0);
      throw systemError(fault.code, name === 'list' ? 'scandir' : name);
    }
    this.#isCut = true;
    if (CHANGES.has(name)) act();
    throw systemError('EPOWER', name);
  }

  #change(change: NameChange): void {
    applyChange(this.#names, change);
    this.#unsyncedNames.push(change);
  }

  #file(path: string, syscall: string): FileContent {
    const node = this.#names.get(path);
    if (node === undefined) throw systemError('ENOENT', syscall);
    if (node === 'directory') throw systemError('EISDIR', syscall);
    return node;
  }

  #requireDirectory(path: string, syscall: string): void {
    const node = this.#names.get(path);
    if (node === undefined) throw systemError('ENOENT', syscall);
    if (node !== 'directory') throw systemError('ENOTDIR', syscall);
  }
}

/** Operations of which a part may be done when the power is cut. A sync that is cut has done nothing more for certain. */
const CHANGES: ReadonlySet<DiskOperation['name']> = new Set(['makeDirectory', 'create', 'rename', 'remove', 'write']);

type Node = FileContent | 'directory';

/** What one operation does to names; it survives as a whole or not at all. */
type NameChange = readonly { readonly path: string; readonly node: Node | undefined }[];

interface Write {
  readonly bytes: Buffer;
  readonly offset: number;
}

class FileContent {
  readonly #current = new GrowingBytes();
  readonly #durable = new GrowingBytes();
  #unsynced: Write[] = [];

  constructor(durable: Uint8Array = Buffer.alloc(0)) {
    this.#current.write({ bytes: asBuffer(durable), offset: 0 });
    this.#durable.write({ bytes: asBuffer(durable), offset: 0 });
  }

  content(): Buffer {
    return this.#current.bytes;
  }

  write(bytes: Uint8Array, offset: number): void {
    const write = { bytes: Buffer.from(bytes), offset };
    this.#current.write(write);
    this.#unsynced.push(write);
  }

  sync(): void {
    for (const write of this.#unsynced) this.#durable.write(write);
    this.#unsynced = [];
  }

  forgetUnsynced(): void {
    this.#unsynced = [];
  }

  afterPowerCut(survival: Survival): FileContent {
    const left = new GrowingBytes();
    left.write({ bytes: this.#durable.bytes, offset: 0 });
    for (const write of this.#unsynced)
      for (const sector of sectorsOf(write)) if (survives(survival)) left.write(sector);
    return new FileContent(left.bytes);
  }
}

class GrowingBytes {
  #bytes = Buffer.alloc(0);
  #length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  write({ bytes, offset }: Write): void {
    const end = offset + bytes.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * this.#length));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, offset);
    this.#length = Math.max(this.#length, end);
  }
}

function* sectorsOf({ bytes, offset }: Write): Iterable<Write> {
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
    yield { bytes: bytes.subarray(from, to), offset: offset + from };
    from = to;
  }
}

function survives(survival: Survival): boolean {
  return typeof survival === 'string' ? survival === 'everything' : survival.next() < 0.5;
}

function applyChange(names: Map<string, Node>, change: NameChange): void {
  for (const { path, node } of change) {
    if (node === undefined) names.delete(path);
    else names.set(path, node);
  }
}

function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}
