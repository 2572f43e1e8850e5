import { createHash, type Hash } from 'node:crypto';
import { KEY_BYTES_MAX, type Table, TABLES } from '../backend/backend.js';
import { asBuffer, compareBytes, EMPTY_BYTES, equalBytes } from '../base/bytes.js';
import { SnapshotDamagedError, SnapshotNewerError } from '../base/errors.js';
import { decodeConfiguration } from '../raft/configuration.js';
import type { Configuration } from '../raft/types.js';
import { ByteQueue } from './byte-queue.js';
import {
  CHECKSUM_BYTES,
  CONFIGURATION_BYTES_MAX,
  endBytes,
  END_MARK,
  FIXED_HEADER_BYTES,
  FORMAT_VERSION,
  MAGIC,
  PREAMBLE_BYTES,
  RECORD_HEADER_BYTES,
  type SnapshotHeader,
  VALUE_BYTES_MAX,
} from './format.js';

/** Called with each record, in order. The bytes are the taker's. */
export type TakeRecord = (table: Table, key: Uint8Array, value: Uint8Array) => void;

/**
 * What stands at the place that was come to.
 *
 * ```text
 *   preamble ─▶ header ─▶ record ─▶ ... ─▶ record ─▶ end ─▶ nothing
 * ```
 */
type Expected = 'preamble' | 'header' | 'record' | 'end' | 'nothing';

/**
 * Takes a snapshot apart as its bytes come, and refuses whatever {@link takeSnapshot} would not have made: lengths are
 * checked before they are waited for, records must ascend, and at the end the hash of all must be right.
 */
export class SnapshotParser {
  readonly #takeRecord: TakeRecord;
  readonly #skipHashCheck: boolean;
  readonly #bytes = new ByteQueue();
  readonly #sha256: Hash = createHash('sha256');
  #expected: Expected = 'preamble';
  #header: SnapshotHeader | undefined;
  #recordCount = 0;
  #lastTable = 0;
  #lastKey: Uint8Array = EMPTY_BYTES;
  #checksum: Uint8Array = EMPTY_BYTES;

  /** @param skipHashCheck - let a hash that is wrong or missing pass, for a backup that is all there is */
  constructor(
    takeRecord: TakeRecord,
    { skipHashCheck = false }: { readonly skipHashCheck?: boolean | undefined } = {},
  ) {
    this.#takeRecord = takeRecord;
    this.#skipHashCheck = skipHashCheck;
  }

  /**
   * Takes the next bytes, which may begin and end anywhere.
   *
   * @throws {@link SnapshotDamagedError}, {@link SnapshotNewerError}
   */
  push(chunk: Uint8Array): void {
    this.#bytes.push(chunk);
    while (this.#parseNext());
  }

  /**
   * Checks that the snapshot is complete.
   *
   * @throws {@link SnapshotDamagedError} if bytes are missing
   */
  finish(): SnapshotHeader & {
    readonly recordCount: number;
    readonly sizeBytes: number;
    readonly checksum: Uint8Array;
  } {
    if (this.#expected === 'end' && this.#skipHashCheck && this.#bytes.length === this.#endBytes) this.#takeEnd(0);
    if (this.#expected !== 'nothing' || this.#header === undefined) {
      throw this.#damaged('it ends before it is complete', this.#bytes.length);
    }
    const { offset: sizeBytes } = this.#bytes;
    return { ...this.#header, recordCount: this.#recordCount, sizeBytes, checksum: this.#checksum };
  }

  /** @returns false if more bytes are needed */
  #parseNext(): boolean {
    switch (this.#expected) {
      case 'preamble':
        return this.#bytes.length >= PREAMBLE_BYTES && this.#checkPreamble();
      case 'header':
        return this.#bytes.length >= FIXED_HEADER_BYTES && this.#takeHeader();
      case 'record':
        return this.#bytes.length > 0 && this.#takeRecordOrEnd();
      case 'end':
        return this.#bytes.length >= this.#endBytes + CHECKSUM_BYTES && this.#takeEnd(CHECKSUM_BYTES);
      case 'nothing':
        if (this.#bytes.length > 0) throw this.#damaged('there are bytes after its end');
        return false;
    }
  }

  #checkPreamble(): true {
    const bytes = this.#bytes.peek(PREAMBLE_BYTES);
    if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw this.#damaged('it does not begin as a snapshot');
    const version = bytes.readUInt32BE(MAGIC.length);
    if (version > FORMAT_VERSION) throw new SnapshotNewerError(version, FORMAT_VERSION);
    if (version !== FORMAT_VERSION) throw this.#damaged(`there is no format ${version}`);
    this.#expected = 'header';
    return true;
  }

  #takeHeader(): boolean {
    const fixed = this.#bytes.peek(FIXED_HEADER_BYTES);
    const configurationBytes = fixed.readUInt16BE(44);
    if (configurationBytes > CONFIGURATION_BYTES_MAX) throw this.#damaged('its configuration is too long', 44);
    const headerBytes = FIXED_HEADER_BYTES + configurationBytes;
    if (this.#bytes.length < headerBytes) return false;
    const [index, term, hash, revision] = [12, 20, 28, 36].map((at) => this.#wholeNumber(fixed, at)) as [
      number,
      number,
      number,
      number,
    ];
    const configuration = this.#configuration(this.#bytes.peek(headerBytes).subarray(FIXED_HEADER_BYTES));
    this.#header = { position: { index, term, configuration }, hash, revision };
    this.#take(headerBytes);
    this.#expected = 'record';
    return true;
  }

  #takeRecordOrEnd(): boolean {
    const table = this.#bytes.peek(1)[0] as number;
    if (table === END_MARK) {
      this.#expected = 'end';
      return true;
    }
    if (table > TABLES.length) throw this.#damaged(`there is no table ${table}`);
    if (this.#bytes.length < RECORD_HEADER_BYTES) return false;
    const header = this.#bytes.peek(RECORD_HEADER_BYTES);
    const [keyBytes, valueBytes] = [header.readUInt16BE(1), header.readUInt32BE(3)];
    if (keyBytes === 0 || keyBytes > KEY_BYTES_MAX) throw this.#damaged(`a key of ${keyBytes} bytes`);
    if (valueBytes > VALUE_BYTES_MAX) throw this.#damaged(`a value of ${valueBytes} bytes`);
    const recordBytes = RECORD_HEADER_BYTES + keyBytes + valueBytes;
    if (this.#bytes.length < recordBytes) return false;
    this.#order(table, this.#bytes.peek(RECORD_HEADER_BYTES + keyBytes).subarray(RECORD_HEADER_BYTES));
    const record = this.#take(recordBytes);
    const valueAt = RECORD_HEADER_BYTES + keyBytes;
    this.#takeRecord(
      TABLES[table - 1] as Table,
      record.subarray(RECORD_HEADER_BYTES, valueAt),
      record.subarray(valueAt),
    );
    this.#recordCount += 1;
    return true;
  }

  #order(table: number, key: Uint8Array): void {
    const isAfter = table > this.#lastTable || (table === this.#lastTable && compareBytes(key, this.#lastKey) > 0);
    if (!isAfter) throw this.#damaged('its records are not in order');
    this.#lastTable = table;
    this.#lastKey = key;
  }

  get #endBytes(): number {
    return endBytes(this.#bytes.offset);
  }

  #takeEnd(checksumBytes: number): true {
    const end = this.#bytes.peek(this.#endBytes);
    const counted = end.readDoubleBE(1);
    if (counted !== this.#recordCount) {
      throw this.#damaged(`it has ${this.#recordCount} records, and ${counted} by its own count`);
    }
    if (end.subarray(1 + 8).some((byte) => byte !== 0)) throw this.#damaged('its end is not filled with zeros');
    this.#take(end.length);
    this.#checksum = this.#sha256.digest();
    const said = this.#bytes.peek(checksumBytes);
    if (!this.#skipHashCheck && !equalBytes(said, this.#checksum)) {
      throw this.#damaged('its hash is wrong: a byte before was altered');
    }
    this.#bytes.take(said.length);
    this.#expected = 'nothing';
    return true;
  }

  #configuration(bytes: Uint8Array): Configuration {
    try {
      return decodeConfiguration(bytes).configuration;
    } catch (cause) {
      throw this.#damaged('its configuration cannot be read', FIXED_HEADER_BYTES, { cause });
    }
  }

  #wholeNumber(bytes: Buffer, at: number): number {
    const value = bytes.readDoubleBE(at);
    if (!Number.isSafeInteger(value) || value < 0) throw this.#damaged('a number of its header is none', at);
    return value;
  }

  /** Takes bytes that belong to what is hashed. */
  #take(count: number): Buffer {
    const bytes = this.#bytes.take(count);
    this.#sha256.update(bytes);
    return asBuffer(bytes);
  }

  #damaged(why: string, beyond = 0, options?: ErrorOptions): SnapshotDamagedError {
    return new SnapshotDamagedError(this.#bytes.offset + beyond, why, options);
  }
}
