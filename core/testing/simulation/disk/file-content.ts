import { GrowingBytes } from './growing-bytes.js';
import { type Judge, SECTOR_BYTES } from './survival.js';

/** Told that something that went wrong has changed what somebody has, or gets. */
export type OnEffect = (kind: string) => void;

interface Write {
  /** The operation that wrote it. */
  readonly number: number;
  readonly bytes: Buffer;
  readonly offset: number;
}

/** A file without its name: what is read of it, and what of that a power cut cannot take. */
export class FileContent {
  readonly #current: GrowingBytes;
  readonly #durable: GrowingBytes;
  #unsynced: Write[] = [];
  /** Sectors that cannot be read until they are written anew. */
  readonly #unreadable = new Set<number>();
  /** Bytes in which a bit turned by itself, until somebody reads or overwrites them. */
  readonly #flipped = new Set<number>();

  constructor(durable: Uint8Array = Buffer.alloc(0), current = durable) {
    this.#current = new GrowingBytes(current);
    this.#durable = new GrowingBytes(durable);
  }

  /** Not a copy. */
  get bytes(): Buffer {
    return this.#current.bytes;
  }

  /** The last operation that wrote something that is not synced; -1 if there is none. */
  get lastUnsynced(): number {
    return this.#unsynced.at(-1)?.number ?? -1;
  }

  get unsyncedBytes(): number {
    return this.#unsynced.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** @returns `undefined` if a sector of it cannot be read */
  read(offset: number, length: number, onEffect: OnEffect): Buffer | undefined {
    const end = Math.min(offset + length, this.bytes.length);
    for (const sector of this.#unreadable) {
      if (sector * SECTOR_BYTES < end && (sector + 1) * SECTOR_BYTES > offset) {
        onEffect('unreadable sector');
        return undefined;
      }
    }
    for (const at of this.#flipped) {
      if (at < offset || at >= end) continue;
      this.#flipped.delete(at);
      onEffect('flipped bit');
    }
    return Buffer.from(this.bytes.subarray(offset, end));
  }

  write(number: number, written: Uint8Array, offset: number): void {
    if (written.length === 0) return;
    const bytes = Buffer.from(written);
    this.#current.write(bytes, offset);
    this.#unsynced.push({ number, bytes, offset });
    const end = offset + bytes.length;
    for (const at of this.#flipped) if (at >= offset && at < end) this.#flipped.delete(at);
    for (const sector of this.#unreadable) {
      if (sector * SECTOR_BYTES < end && (sector + 1) * SECTOR_BYTES > offset) this.#unreadable.delete(sector);
    }
  }

  /** Makes durable what operations before this one wrote. */
  sync(before: number): void {
    for (const { number, bytes, offset } of this.#unsynced) if (number < before) this.#durable.write(bytes, offset);
    this.#unsynced = this.#unsynced.filter(({ number }) => number >= before);
  }

  /** What a failed sync does: all can still be read, and is no longer known as unwritten. */
  forgetUnsynced(): void {
    this.#unsynced = [];
  }

  /** Makes the sector at this offset unreadable, until it is written. */
  spoil(offset: number): void {
    this.#unreadable.add(Math.floor(offset / SECTOR_BYTES));
  }

  /** Turns a bit of what lies on the disk. */
  flip(offset: number, bit: number): void {
    for (const { bytes } of [this.#current, this.#durable]) {
      if (offset < bytes.length) bytes[offset]! ^= 1 << bit;
    }
    this.#flipped.add(offset);
  }

  /** The same, to go on with by itself. */
  copy(): FileContent {
    return this.#withFaults(new FileContent(this.#durable.bytes, this.bytes), this.#unsynced);
  }

  afterPowerCut(judge: Judge, onEffect: OnEffect): FileContent {
    const left = new GrowingBytes(this.#durable.bytes);
    for (const write of this.#unsynced) {
      const sectors = sectorsOf(write);
      const kept = sectors.filter((_, part) => judge(write.number, part, sectors.length));
      for (const { bytes, offset } of kept) left.write(bytes, offset);
      if (kept.length === 0) onEffect('write dropped');
      else onEffect(kept.length < sectors.length ? 'write torn' : 'unsynced write kept');
    }
    return this.#withFaults(new FileContent(left.bytes), []);
  }

  #withFaults(other: FileContent, unsynced: readonly Write[]): FileContent {
    other.#unsynced = [...unsynced];
    for (const sector of this.#unreadable) other.#unreadable.add(sector);
    for (const at of this.#flipped) other.#flipped.add(at);
    return other;
  }
}

function sectorsOf({ number, bytes, offset }: Write): readonly Write[] {
  const sectors: Write[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
    sectors.push({ number, bytes: bytes.subarray(from, to), offset: offset + from });
    from = to;
  }
  return sectors;
}
