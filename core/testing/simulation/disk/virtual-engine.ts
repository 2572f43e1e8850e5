import { crc32 } from 'node:zlib';
import { type Table, TABLES } from '../../../backend/backend.js';
import type { Engine, EngineSnapshot } from '../../../backend/engine.js';
import { commitFailure, openFailure } from '../../../backend/lmdb-failure.js';
import type { Overlay } from '../../../backend/overlay.js';
import { SortedTable } from '../../../backend/sorted-table.js';
import { asBuffer, toMapKey } from '../../../base/bytes.js';
import { DataDirError } from '../../../base/errors.js';
import type { Disk, DiskFile } from '../../../wal/disk.js';
import { SECTOR_BYTES } from './survival.js';

/**
 * An engine whose transactions lie one behind the other in a file of a disk. As in LMDB a transaction counts once a record
 * at a fixed place names it, which is written and synced when the transaction itself is synced; before, it never was,
 * whatever is there of it. Also as with LMDB, the name of the file is left to others to make durable.
 *
 * ```
 * record of the last transaction, 12 bytes, then zeros up to the end of the sector: what drives write as a whole
 *  0  "last"                 4        4  transaction's number   4        8  checksum of 0 to 7     4
 *
 * transaction header, 24 bytes       then changes                  then zeros up to a multiple of 8
 *  0  "trns"                 4        table's number           1
 *  4  checksum of 8 to 23    4        1: put, 0: deletion      1
 *  8  transaction's number   4        bytes of key             2
 * 12  bytes of changes       4        bytes of value           4
 * 16  checksum of changes    4        key, value
 * 20  zero                   4
 * ```
 */
export class VirtualEngine implements Engine {
  #path: string;
  readonly #file: DiskFile;
  readonly #tables: Tables = emptyTables();
  #nextNumber = 1;
  #endOffset = SECTOR_BYTES;

  /**
   * @param path - the folder; it is made if only it itself is missing
   * @throws {@link DataDirError} if there is no usable database and none can be made
   */
  static async open(disk: Disk, path: string): Promise<VirtualEngine> {
    try {
      if (!(await disk.exists(path))) await disk.makeDirectory(path);
      const file = `${path}/${FILE}`;
      const engine = new VirtualEngine(path, await ((await disk.exists(file)) ? disk.open(file) : disk.create(file)));
      await engine.#read();
      return engine;
    } catch (error) {
      throw openFailure(path, error);
    }
  }

  private constructor(path: string, file: DiskFile) {
    this.#path = path;
    this.#file = file;
  }

  get(table: Table, key: Uint8Array): Uint8Array | undefined {
    return this.#tables[table].get(toMapKey(key));
  }

  scan(table: Table, bounds: object): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.#tables[table].scan(bounds);
  }

  async commit(overlay: Overlay): Promise<void> {
    const bytes = encode(this.#nextNumber, overlay);
    try {
      await this.#file.write(bytes, this.#endOffset);
      await this.#file.sync();
      await this.#name(this.#nextNumber);
    } catch (error) {
      throw await commitFailure(this.#path, error);
    }
    this.#nextNumber += 1;
    this.#endOffset += bytes.length;
    overlay.forEach((table, key, value) => this.#change(table, toMapKey(key), value ?? undefined));
  }

  snapshot(): EngineSnapshot {
    const { history, lease, meta } = this.#tables;
    const tables: Tables = { history: history.clone(), lease: lease.clone(), meta: meta.clone() };
    return {
      get: (table, key) => tables[table].get(toMapKey(key)),
      scan: (table, bounds) => tables[table].scan(bounds),
      done: () => {},
    };
  }

  sizeBytes(): number {
    return this.#endOffset;
  }

  /** It never frees anything. */
  usedBytes(): number {
    return this.#endOffset;
  }

  freeBytes(): number {
    return Number.POSITIVE_INFINITY;
  }

  entryCounts(): readonly number[] {
    return TABLES.map((table) => this.#tables[table].size);
  }

  moved(path: string): void {
    this.#path = path;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #read(): Promise<void> {
    const bytes = asBuffer(await this.#file.read(0, await this.#file.sizeBytes()));
    const last = lastNamedIn(bytes);
    if (last === undefined) throw this.#damaged('the record of its last transaction is damaged');
    while (this.#nextNumber <= last) {
      const changes = changesAt(bytes, this.#endOffset, this.#nextNumber);
      if (changes === undefined) throw this.#damaged(`transaction ${this.#nextNumber} of ${last} is damaged`);
      for (const { table, key, value } of decode(changes)) this.#change(table, key, value);
      this.#endOffset += align(HEADER_BYTES + changes.length);
      this.#nextNumber += 1;
    }
    // What was read may be known only to the system's memory, from which a sync that failed has not brought it to the disk.
    if (last > 0) await this.#name(last);
  }

  /** From now on this transaction is the last. */
  async #name(number: number): Promise<void> {
    await this.#file.write(encodeLast(number), 0);
    await this.#file.sync();
  }

  #damaged(why: string): DataDirError {
    return new DataDirError('DATA_DIR_UNREADABLE', this.#path, why);
  }

  #change(table: Table, key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.#tables[table].delete(key);
    else this.#tables[table].set(key, value);
  }
}

type Tables = Readonly<Record<Table, SortedTable<Uint8Array>>>;

interface Change {
  readonly table: Table;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

const FILE = 'data.virtual';
const MAGIC = 0x736e7274;
const LAST_MAGIC = 0x7473616c;
const LAST_BYTES = 12;
const HEADER_BYTES = 24;
const CHANGE_BYTES = 8;
const ALIGNMENT = 8;

function emptyTables(): Tables {
  return { history: new SortedTable(), lease: new SortedTable(), meta: new SortedTable() };
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function encode(number: number, overlay: Overlay): Buffer {
  const parts: Uint8Array[] = [];
  overlay.forEach((table, key, value) => {
    const head = Buffer.alloc(CHANGE_BYTES);
    head.writeUInt8(TABLES.indexOf(table), 0);
    head.writeUInt8(value === null ? 0 : 1, 1);
    head.writeUInt16LE(key.length, 2);
    head.writeUInt32LE(value?.length ?? 0, 4);
    parts.push(head, key, value ?? new Uint8Array(0));
  });
  const changes = Buffer.concat(parts);
  const bytes = Buffer.alloc(align(HEADER_BYTES + changes.length));
  changes.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(number, 8);
  bytes.writeUInt32LE(changes.length, 12);
  bytes.writeUInt32LE(crc32(changes), 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(8, HEADER_BYTES)), 4);
  return bytes;
}

/** The number of the transaction whose header is here; `undefined` if there is none. */
function numberAt(bytes: Buffer, at: number): number | undefined {
  if (at + HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== MAGIC) return undefined;
  if (bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, at + HEADER_BYTES))) return undefined;
  return bytes.readUInt32LE(at + 8);
}

function changesAt(bytes: Buffer, at: number, number: number): Buffer | undefined {
  if (numberAt(bytes, at) !== number) return undefined;
  const changes = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bytes.readUInt32LE(at + 12));
  return crc32(changes) === bytes.readUInt32LE(at + 16) ? changes : undefined;
}

function encodeLast(number: number): Buffer {
  const bytes = Buffer.alloc(LAST_BYTES);
  bytes.writeUInt32LE(LAST_MAGIC, 0);
  bytes.writeUInt32LE(number, 4);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

/** The last transaction's number, 0 if there was none yet; `undefined` if what names it is damaged. */
function lastNamedIn(bytes: Buffer): number | undefined {
  const record = Buffer.alloc(LAST_BYTES);
  bytes.copy(record, 0, 0, LAST_BYTES);
  if (record.every((byte) => byte === 0)) return 0;
  const number = record.readUInt32LE(4);
  return encodeLast(number).equals(record) ? number : undefined;
}

function* decode(changes: Buffer): Iterable<Change> {
  for (let at = 0; at < changes.length;) {
    const keyEnd = at + CHANGE_BYTES + changes.readUInt16LE(at + 2);
    const end = keyEnd + changes.readUInt32LE(at + 4);
    const isPut = changes.readUInt8(at + 1) === 1;
    yield {
      table: TABLES[changes.readUInt8(at)] as Table,
      key: toMapKey(changes.subarray(at + CHANGE_BYTES, keyEnd)),
      value: isPut ? Buffer.from(changes.subarray(keyEnd, end)) : undefined,
    };
    at = end;
  }
}
