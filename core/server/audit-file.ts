import { type FileHandle, open, stat } from 'node:fs/promises';
import { type Clock, sleep } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { AuditEntry, AuditSink } from '../rpc/audit/audit-entry.js';

/** Bytes of lines that wait for the file. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** How long a file that could not be written is left alone. */
const RETRY_MS = 1_000;
/** How often it is looked whether the file is still the one of its name. */
const LOOK_MS = 1_000;
/** How long what waits may take when the member ends. */
const END_MS = 2_000;

/** A file to whose end is written. */
export interface AppendFile {
  /** @returns how many bytes were written, which may be fewer */
  write(bytes: Uint8Array): Promise<number>;
  /** Whether it still has the name under which it was opened. */
  hasItsName(): Promise<boolean>;
  close(): Promise<void>;
}

export interface AuditFileParts {
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds since 1970, for people to read. */
  readonly nowMs: () => number;
  /** Default: a file of this machine. */
  readonly open?: (path: string) => Promise<AppendFile>;
  readonly waitingBytesMax?: number;
}

/**
 * Entries as lines of JSON, at the end of a file. Nobody waits for it: what is to be written waits here, up to a limit. Beyond
 * it entries are left out, and counted; as soon as the file takes lines again, one says how many, in their place. A file that
 * was renamed or removed is begun anew under its name, so that it can be rotated.
 */
export class AuditFile implements AuditSink {
  readonly #parts: AuditFileParts;
  readonly #open: (path: string) => Promise<AppendFile>;
  readonly #waitingBytesMax: number;
  readonly #ending = new AbortController();
  #file: AppendFile;
  #lookedMs: number;
  #lines: Buffer[] = [];
  /** Of the lines that wait, and of those that are being written. */
  #waitingBytes = 0;
  #leftOutCount = 0;
  #writing: Promise<void> | undefined;
  #isFailing = false;
  #isClosed = false;

  /** @throws the system's error if the file cannot be opened */
  static async open(parts: AuditFileParts): Promise<AuditFile> {
    return new AuditFile(parts, await (parts.open ?? openAppendFile)(parts.path));
  }

  private constructor(parts: AuditFileParts, file: AppendFile) {
    this.#parts = parts;
    this.#open = parts.open ?? openAppendFile;
    this.#waitingBytesMax = parts.waitingBytesMax ?? WAITING_BYTES_MAX;
    this.#file = file;
    this.#lookedMs = parts.clock.now();
  }

  record(entry: AuditEntry): void {
    const line = lineOf(entry);
    if (this.#isClosed || this.#waitingBytes + line.length > this.#waitingBytesMax) {
      this.#leftOutCount += 1;
      return;
    }
    this.#tellLeftOut();
    this.#add(line);
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Writes what waits, as far as the file takes it within two seconds, and closes it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#ending.abort(new Error('the audit log is closed'));
    const { clock, logger, path } = this.#parts;
    const written = new AbortController();
    const isWritten = await Promise.race([
      Promise.resolve(this.#writing).then(() => true),
      sleep(clock, END_MS, written.signal).then(
        () => false,
        () => true,
      ),
    ]);
    written.abort(new Error('it is written'));
    const lost = this.#lines.length + this.#leftOutCount;
    if (lost > 0) logger.error({ path, lost }, 'the audit log ends without its last entries');
    if (isWritten) await this.#file.close();
  }

  #add(line: Buffer): void {
    this.#lines.push(line);
    this.#waitingBytes += line.length;
  }

  /** In place of the entries that were left out. It is short, and may be beyond the limit. */
  #tellLeftOut(): void {
    if (this.#leftOutCount === 0) return;
    this.#add(lineOf({ time: new Date(this.#parts.nowMs()).toISOString(), leftOut: this.#leftOutCount }));
    this.#leftOutCount = 0;
  }

  async #write(): Promise<void> {
    while (this.#lines.length > 0) {
      const bytes = Buffer.concat(this.#lines);
      const lines = this.#lines;
      this.#lines = [];
      if (!(await this.#append(bytes))) {
        this.#lines = [...lines, ...this.#lines];
        return;
      }
      this.#waitingBytes -= bytes.length;
      if (this.#lines.length === 0) this.#tellLeftOut();
    }
  }

  /** @returns whether all was written; it is tried until the end */
  async #append(bytes: Buffer): Promise<boolean> {
    await this.#followName();
    for (let at = 0; at < bytes.length;) {
      try {
        at += await this.#file.write(bytes.subarray(at));
        this.#recovered();
      } catch (error) {
        this.#failed(error);
        if (this.#isClosed) return false;
        await sleep(this.#parts.clock, RETRY_MS, this.#ending.signal).catch(() => undefined);
      }
    }
    return true;
  }

  /** Goes on in a new file where somebody has given the old one another name. */
  async #followName(): Promise<void> {
    const { clock, path } = this.#parts;
    if (clock.now() - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = clock.now();
    try {
      if (await this.#file.hasItsName()) return;
      const next = await this.#open(path);
      const former = this.#file;
      this.#file = next;
      await former.close();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#parts.logger.error({ path: this.#parts.path, error }, 'the audit log cannot be written; its entries wait');
  }

  #recovered(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#parts.logger.info({ path: this.#parts.path }, 'the audit log is written again');
  }
}

function lineOf(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** For its owner alone to read and write. */
const MODE = 0o600;

async function openAppendFile(path: string): Promise<AppendFile> {
  const handle = await open(path, 'a', MODE);
  return {
    write: async (bytes) => (await handle.write(bytes)).bytesWritten,
    hasItsName: () => isSameFile(handle, path),
    close: () => handle.close(),
  };
}

async function isSameFile(handle: FileHandle, path: string): Promise<boolean> {
  const [opened, named] = await Promise.all([
    handle.stat(),
    stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }),
  ]);
  return named !== undefined && named.ino === opened.ino && named.dev === opened.dev;
}
