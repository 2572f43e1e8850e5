import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import { ManualClock, settle } from '../testing/manual-clock.js';
import type { AuditEntry } from '../rpc/audit/audit-entry.js';
import { type AppendFile, AuditFile, type AuditFileParts } from './audit-file.js';

/** A file whose writes end when the test says so, and as it says. */
class FakeFile implements AppendFile {
  text = '';
  isClosed = false;
  hasName = true;
  /** Bytes that a write takes at most. */
  bytesMax = Number.POSITIVE_INFINITY;
  failure: Error | undefined;
  held: Promise<void> | undefined;
  writeCount = 0;

  async write(bytes: Uint8Array): Promise<number> {
    this.writeCount += 1;
    await this.held;
    if (this.failure !== undefined) throw this.failure;
    const taken = bytes.subarray(0, this.bytesMax);
    this.text += Buffer.from(taken).toString();
    return taken.length;
  }

  async hasItsName(): Promise<boolean> {
    return this.hasName;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** Holds writes until what this returns is called. */
  hold(): () => void {
    let letGo!: () => void;
    this.held = new Promise((resolve) => (letGo = resolve));
    return () => {
      this.held = undefined;
      letGo();
    };
  }

  get methods(): string {
    const told = (line: string) => {
      const { method, leftOut } = JSON.parse(line) as { method?: string; leftOut?: number };
      return method ?? `(${leftOut} left out)`;
    };
    return this.text.split('\n').filter(Boolean).map(told).join(' ');
  }
}

const entry = (method: string): AuditEntry => ({ ...{ time: '', method, peer: '', member: '1', durationMs: 1 } });
const LINE_BYTES = JSON.stringify(entry('a')).length + 1;

let clock: ManualClock;
let files: FakeFile[];
let logged: string[];

beforeEach(() => {
  clock = new ManualClock();
  files = [];
  logged = [];
});

async function openFake(parts: Partial<AuditFileParts> = {}): Promise<{ log: AuditFile; file: FakeFile }> {
  const open = async () => {
    files.push(new FakeFile());
    return files.at(-1) as FakeFile;
  };
  const say = (_fields: object, message: string) => void logged.push(message);
  const logger = { ...silentLogger, info: say, error: say };
  const log = await AuditFile.open({ path: 'audit', clock, logger, nowMs: () => 0, open, ...parts });
  return { log, file: files[0] as FakeFile };
}

function record(log: AuditFile, methods: string): void {
  for (const method of methods) log.record(entry(method));
}

describe('the file of an audit log', () => {
  test('has a line for each entry, in order, however few bytes a write takes', async () => {
    const { log, file } = await openFake();
    file.bytesMax = 7;

    record(log, 'abc');
    await settle();
    record(log, 'd');
    await log.close();

    expect(file.methods).toBe('a b c d');
    expect(file.isClosed).toBe(true);
    expect(logged).toEqual([]);
  });

  test('keeps what waits up to its limit; beyond, it says in its place how many were left out', async () => {
    const { log, file } = await openFake({ waitingBytesMax: 3 * LINE_BYTES });
    const letGo = file.hold();

    record(log, 'abcdef');
    letGo();
    await settle();
    expect(file.methods).toBe('a b c (3 left out)');
    record(log, 'ghi');
    await settle();

    expect(file.methods).toBe('a b c (3 left out) g h i');
    await log.close();
  });

  test('that cannot be written keeps what waits, tries again every second, and cuts no line', async () => {
    const { log, file } = await openFake({ waitingBytesMax: 4 * LINE_BYTES });
    file.bytesMax = 10;
    const write = file.write.bind(file);
    file.write = async (bytes) => {
      if (file.writeCount === 2) file.failure = new Error('no space left');
      return write(bytes);
    };

    record(log, 'abcdefg');
    await settle();
    expect(file.text).toHaveLength(20);
    await clock.advance(2_500);
    expect(file.writeCount).toBe(5);
    file.failure = undefined;
    file.write = write;
    await clock.advance(1_000);

    expect(file.methods).toBe('a b c d (3 left out)');
    expect(logged).toEqual(['the audit log cannot be written; its entries wait', 'the audit log is written again']);
    await log.close();
  });

  test('that cannot be written when the member ends says how many entries are lost', async () => {
    const { log, file } = await openFake();
    file.failure = new Error('no space left');
    record(log, 'ab');
    await settle();

    await log.close();

    expect(logged).toEqual([
      'the audit log cannot be written; its entries wait',
      'the audit log ends without its last entries',
    ]);
    expect([file.isClosed, clock.timerCount]).toEqual([true, 0]);
  });

  test('that hangs keeps the end waiting for two seconds, not longer', async () => {
    const { log, file } = await openFake();
    file.hold();
    record(log, 'a');
    let isClosed = false;
    void log.close().then(() => (isClosed = true));

    await clock.advance(1_999);
    expect(isClosed).toBe(false);
    await clock.advance(1);
    expect(isClosed).toBe(true);
  });

  test('that was given another name is gone on with in a new one', async () => {
    const { log, file } = await openFake();
    record(log, 'a');
    await settle();
    file.hasName = false;
    record(log, 'b');
    await settle();
    await clock.advance(1_000);
    record(log, 'c');
    await log.close();

    expect(files.map(({ methods }) => methods)).toEqual(['a b', 'c']);
    expect(files.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});

describe('on a disk', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-audit-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('it is for its owner alone, goes on behind what is there, and can be rotated', async () => {
    const path = join(folder, 'audit.jsonl');
    const parts = { path, clock, logger: silentLogger, nowMs: () => 0 };
    const first = await AuditFile.open(parts);
    record(first, 'a');
    await first.close();
    const second = await AuditFile.open(parts);
    record(second, 'b');
    await settle();
    await rename(path, `${path}.1`);
    await clock.advance(1_000);
    record(second, 'c');
    await second.close();

    const lines = async (of: string) => (await readFile(of, 'utf8')).match(/"method":"."/g)?.join(' ');
    expect(await lines(`${path}.1`)).toBe('"method":"a" "method":"b"');
    expect(await lines(path)).toBe('"method":"c"');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});
