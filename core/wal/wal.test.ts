import { beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantError } from '../base/assert.js';
import { silentLogger } from '../base/logger.js';
import { checksum, SEGMENT_HEADER_BYTES } from './format.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { nodeDisk } from './node-disk.js';
import { entriesOf, entry, hardState, LOG, openLog, shown } from './testing/log-fixture.js';
import { Wal } from './wal.js';

let disk: VirtualDisk;
beforeEach(() => {
  disk = new VirtualDisk();
});

/** A log with groups of one entry in small segments: 4 entries a segment. */
const SMALL_SEGMENTS = { segmentBytes: SEGMENT_HEADER_BYTES + 4 * 72 };

async function logInSmallSegments(lastIndex: number) {
  const { wal } = await openLog(disk, SMALL_SEGMENTS);
  for (let index = 1; index <= lastIndex; index += 1) await wal.append(undefined, [entry(index)]);
  return wal;
}

const names = async () => [...(await disk.list(LOG))].sort().map((name) => name.replace(/(0+)(?=.)/g, ''));

describe('append and read back', () => {
  test('a log that is begun is empty', async () => {
    const { hardState, firstIndex, previousTerm, entries, dropped } = await openLog(disk);
    expect(hardState).toEqual({ term: 0, votedFor: 0n, commitIndex: 0 });
    expect({ firstIndex, previousTerm, entries, dropped }).toEqual({ firstIndex: 1, previousTerm: 0, entries: [] });
  });

  test('entries and hard state are read back as they were appended', async () => {
    const { wal } = await openLog(disk);
    await wal.append(hardState(1), []);
    await wal.append(undefined, entriesOf(1, 3));
    await wal.append(hardState(2, 3, 2n ** 64n - 1n), [entry(4, 2, ''), entry(5, 2, 'x'.repeat(5_000))]);
    await wal.close();

    const again = await openLog(disk);
    expect(again.hardState).toEqual({ term: 2, votedFor: 2n ** 64n - 1n, commitIndex: 3 });
    expect(again.firstIndex).toBe(1);
    expect(shown(again.entries)).toEqual(shown([...entriesOf(1, 3), entry(4, 2, ''), entry(5, 2, 'x'.repeat(5_000))]));
    expect(again.dropped).toBeUndefined();
  });

  test('terms and indexes up to 2^53 - 1 are kept exactly', async () => {
    const { wal } = await openLog(disk);
    const large = { term: Number.MAX_SAFE_INTEGER, votedFor: 1n, commitIndex: 1 };
    await wal.append(large, [{ index: 1, term: Number.MAX_SAFE_INTEGER - 1, data: Buffer.from('x') }]);

    const again = await openLog(disk);
    expect(again.hardState).toEqual(large);
    expect(again.entries[0]?.term).toBe(Number.MAX_SAFE_INTEGER - 1);
  });

  test('an append is one write and one sync, whatever it holds', async () => {
    const { wal } = await openLog(disk);
    const operations: string[] = [];
    disk.fault = ({ name }) => void operations.push(name);
    await wal.append(hardState(1), entriesOf(1, 500));
    expect(operations).toEqual(['write', 'sync']);
  });

  test('appending nothing touches no disk', async () => {
    const { wal } = await openLog(disk);
    const before = disk.operationCount;
    await wal.append(undefined, []);
    expect(disk.operationCount).toBe(before);
  });

  test('an append at an earlier index overwrites the log from there on', async () => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, entriesOf(1, 5));
    await wal.append(undefined, [entry(3, 2)]);

    const again = await openLog(disk);
    expect(shown(again.entries)).toEqual(shown([entry(1), entry(2), entry(3, 2)]));
    await again.wal.append(undefined, [entry(4, 2)]);
  });

  test('a group larger than the buffer that is kept is written as well', async () => {
    const { wal } = await openLog(disk);
    const data = 'y'.repeat(2 ** 20 + 1);
    await wal.append(undefined, [entry(1, 1, data)]);
    await wal.append(undefined, [entry(2)]);

    expect(shown((await openLog(disk)).entries)).toEqual(shown([entry(1, 1, data), entry(2)]));
  });

  test('the log goes on after it is opened again', async () => {
    for (let index = 1; index <= 5; index += 1) {
      const { wal } = await openLog(disk);
      await wal.append(hardState(index, index - 1), [entry(index, index)]);
      await wal.close();
    }
    const again = await openLog(disk);
    expect(again.entries.map(({ term }) => term)).toEqual([1, 2, 3, 4, 5]);
    expect(again.hardState).toEqual(hardState(5, 4));
  });
});

describe('misuse', () => {
  test('a second append at the same time is refused', async () => {
    const { wal } = await openLog(disk);
    const first = wal.append(undefined, [entry(1)]);
    await expect(wal.append(undefined, [entry(2)])).rejects.toThrow(InvariantError);
    await first;
  });

  test('an append may not leave a gap, in front of it or within', async () => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, entriesOf(1, 2));
    await expect(wal.append(undefined, [entry(4)])).rejects.toThrow('leaves no gap');
    await expect(wal.append(undefined, [entry(3), entry(5)])).rejects.toThrow('without a gap');
  });

  test('what is committed is not overwritten, what comes right after it may be', async () => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, entriesOf(1, 3));
    await wal.append(hardState(1, 2), []);
    await wal.append(undefined, [entry(3, 2)]);
    await expect(wal.append(undefined, [entry(2, 2)])).rejects.toThrow('committed is not overwritten');
  });

  test('a closed log takes nothing; closing it again does nothing', async () => {
    const { wal } = await openLog(disk);
    await wal.close();
    await wal.close();
    await expect(wal.append(undefined, [entry(1)])).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(wal.compactTo(1)).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('segments have at least one byte', async () => {
    await expect(openLog(disk, { segmentBytes: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(openLog(disk, { segmentBytes: 1 })).resolves.toBeDefined();
  });
});

describe('segments', () => {
  test('a segment holds as many groups as fit into its size, and not one more', async () => {
    const wal = await logInSmallSegments(4);
    expect(await names()).toEqual(['1-1.wal']);
    await wal.append(undefined, [entry(5)]);
    expect(await names()).toEqual(['1-1.wal', '2-5.wal']);
  });

  test('a group larger than a segment has one to itself', async () => {
    const { wal } = await openLog(disk, SMALL_SEGMENTS);
    for (let index = 1; index <= 3; index += 1) await wal.append(undefined, [entry(index, 1, 'z'.repeat(2_000))]);
    expect(await names()).toEqual(['1-1.wal', '2-2.wal', '3-3.wal']);
    expect((await openLog(disk, SMALL_SEGMENTS)).entries.length).toBe(3);
  });

  test('all segments are read back', async () => {
    await logInSmallSegments(30);
    const { entries, firstIndex } = await openLog(disk, SMALL_SEGMENTS);
    expect(firstIndex).toBe(1);
    expect(shown(entries)).toEqual(shown(entriesOf(1, 30)));
  });

  test('compaction removes the segments whose entries all are at or below the index', async () => {
    const wal = await logInSmallSegments(10);
    expect(await names()).toEqual(['1-1.wal', '2-5.wal', '3-9.wal']);
    await wal.compactTo(3);
    expect(await names()).toEqual(['1-1.wal', '2-5.wal', '3-9.wal']);
    await wal.compactTo(4);
    expect(await names()).toEqual(['2-5.wal', '3-9.wal']);
    await wal.compactTo(100);
    expect(await names()).toEqual(['3-9.wal']);

    const { entries, firstIndex, previousTerm } = await openLog(disk, SMALL_SEGMENTS);
    expect(shown(entries)).toEqual(shown([entry(9), entry(10)]));
    expect({ firstIndex, previousTerm }).toEqual({ firstIndex: 9, previousTerm: 1 });
  });

  test('a segment carries over the hard state and the term before it', async () => {
    const { wal } = await openLog(disk, SMALL_SEGMENTS);
    await wal.append(hardState(3, 0), [entry(1, 3)]);
    await wal.append(hardState(4, 1, 9n), []);
    await wal.append(undefined, entriesOf(2, 20, 4));
    await wal.append(undefined, [entry(21, 4)]);
    await wal.compactTo(20);

    const again = await openLog(disk, SMALL_SEGMENTS);
    expect(again.hardState).toEqual({ term: 4, votedFor: 9n, commitIndex: 1 });
    expect({ first: again.firstIndex, term: again.previousTerm }).toEqual({ first: 21, term: 4 });
  });

  test('a log whose last segment is empty begins after what was compacted', async () => {
    const wal = await logInSmallSegments(4);
    await wal.append(undefined, [entry(5, 2)]);
    await wal.compactTo(4);
    const [name] = await disk.list(LOG);
    const path = `${LOG}/${name}`;
    disk.alter(path, disk.contentOf(path).subarray(0, SEGMENT_HEADER_BYTES));

    const again = await openLog(disk, SMALL_SEGMENTS);
    expect({ ...again, wal: 0 }).toMatchObject({ firstIndex: 5, previousTerm: 1, entries: [] });
    await again.wal.append(undefined, [entry(5, 3)]);
    expect(shown((await openLog(disk)).entries)).toEqual(shown([entry(5, 3)]));
  });

  test('entries that were overwritten below the first index that is kept stay compacted', async () => {
    const { wal } = await openLog(disk, SMALL_SEGMENTS);
    for (let index = 1; index <= 4; index += 1) await wal.append(undefined, [entry(index)]);
    await wal.append(undefined, [entry(5)]);
    for (let index = 3; index <= 7; index += 1) await wal.append(undefined, [entry(index, 2)]);
    await wal.compactTo(4);
    expect((await names())[0]).toBe('2-5.wal');

    const again = await openLog(disk, SMALL_SEGMENTS);
    expect({ first: again.firstIndex, term: again.previousTerm }).toEqual({ first: 5, term: 2 });
    expect(shown(again.entries)).toEqual(shown(entriesOf(5, 7, 2)));
  });

  test('compactions that are asked for at once are done one after the other', async () => {
    const wal = await logInSmallSegments(20);
    await Promise.all([wal.compactTo(8), wal.compactTo(4), wal.compactTo(16), wal.append(undefined, [entry(21)])]);
    expect((await names())[0]).toBe('5-11.wal');
  });

  test('files that are no segments are left alone', async () => {
    await (await openLog(disk)).wal.close();
    disk.alter(`${LOG}/notes.txt`, Buffer.from('mine'));
    await openLog(disk);
    expect(await disk.list(LOG)).toContain('notes.txt');
  });

  test('groups are written over zeros; where these end, the next ones are written with the group', async () => {
    const { wal } = await openLog(disk, { segmentBytes: 1024 * 1024 });
    const lengths: number[] = [];
    disk.fault = ({ name, lengthBytes }) => void (name === 'write' && lengths.push(lengthBytes));
    const group = [entry(1, 1, 'x'.repeat(40_000 - 60))];
    for (let index = 1; index <= 4; index += 1) await wal.append(undefined, [{ ...group[0]!, index }]);

    const ahead = 64 * 1024;
    expect(lengths).toEqual([
      40_000,
      2 * ahead - SEGMENT_HEADER_BYTES - 40_000,
      40_000,
      3 * ahead - SEGMENT_HEADER_BYTES - 120_000,
    ]);
  });

  test('a segment that was not finished is removed', async () => {
    await (await openLog(disk)).wal.close();
    const half = `${LOG}/0000000000000002-0000000000000001.wal.new`;
    disk.alter(half, Buffer.from('conc'));
    expect((await openLog(disk)).entries).toEqual([]);
    expect(await names()).toEqual(['1-1.wal']);
  });
});

describe('failure', () => {
  test.each([
    ['write', 'EIO', 'LOG_FAILED'],
    ['sync', 'EIO', 'LOG_FAILED'],
    ['write', 'ENOSPC', 'DATA_DIR_FULL'],
    ['sync', 'ENOSPC', 'DATA_DIR_FULL'],
    ['write', 'EROFS', 'DATA_DIR_READ_ONLY'],
  ])('a %s that fails with %s ends the log for good, as %s', async (name, code, typed) => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, [entry(1)]);
    disk.fault = (operation) => (operation.name === name ? { code, writtenBytes: 20 } : undefined);
    const failure = await wal.append(undefined, [entry(2)]).catch((error: unknown) => error);
    disk.fault = () => undefined;

    expect(failure).toMatchObject({ code: typed, path: LOG, cause: { code } });
    const before = disk.operationCount;
    await expect(wal.append(undefined, [entry(2)])).rejects.toBe(failure);
    await expect(wal.append(undefined, [])).rejects.toBe(failure);
    await expect(wal.compactTo(1)).rejects.toBe(failure);
    expect(disk.operationCount).toBe(before);
    await wal.close();
  });

  test('a sync that failed is not tried again, for the next one would pass without having written anything', async () => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, [entry(1)]);
    const failsOnce = [{ code: 'EIO' }];
    disk.fault = ({ name }) => (name === 'sync' ? failsOnce.pop() : undefined);

    await expect(wal.append(undefined, [entry(2)])).rejects.toMatchObject({ code: 'LOG_FAILED' });

    const cut = await openLog(disk.afterPowerCut('nothing'));
    expect(shown(cut.entries)).toEqual(shown(entriesOf(1, 1)));
  });

  test('a compaction that fails ends the log for good', async () => {
    const wal = await logInSmallSegments(10);
    disk.fault = ({ name }) => (name === 'remove' ? { code: 'EIO' } : undefined);
    await expect(wal.compactTo(8)).rejects.toMatchObject({ code: 'LOG_FAILED' });
    await expect(wal.append(undefined, [entry(11)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
  });

  test('what a failed sync left unwritten is durable once the log is open again and goes on', async () => {
    const { wal } = await openLog(disk);
    await wal.append(undefined, [entry(1)]);
    disk.fault = ({ name }) => (name === 'sync' ? { code: 'EIO' } : undefined);
    await expect(wal.append(undefined, [entry(2)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
    disk.fault = () => undefined;

    const again = await openLog(disk);
    await again.wal.append(undefined, [entry(again.entries.length + 1)]);
    const cut = await openLog(disk.afterPowerCut('nothing'));
    expect(shown(cut.entries)).toEqual(shown(entriesOf(1, 3)));
  });

  test.each([
    ['makeDirectory', 'EACCES', 'DATA_DIR_READ_ONLY'],
    ['makeDirectory', 'ENOENT', 'DATA_DIR_UNREADABLE'],
    ['list', 'EACCES', 'DATA_DIR_UNREADABLE'],
    ['open', 'EROFS', 'DATA_DIR_READ_ONLY'],
    ['open', 'EPERM', 'DATA_DIR_READ_ONLY'],
    ['read', 'EIO', 'LOG_FAILED'],
    ['write', 'ENOSPC', 'DATA_DIR_FULL'],
  ])('opening fails where %s fails with %s, as %s', async (name, code, typed) => {
    await (await openLog(disk)).wal.close();
    disk.fault = (operation) => (operation.name === name ? { code } : undefined);
    const opened = openLog(disk);
    await expect(opened).rejects.toMatchObject({ code: typed, path: LOG, cause: { code } });
  });

  test('a file in place of the directory is told', async () => {
    const path = await mkdtemp(join(tmpdir(), 'conclave-wal-'));
    await writeFile(`${path}/log`, 'not a directory');
    const opened = Wal.open({ disk: nodeDisk, path: `${path}/log`, logger: silentLogger, newLogId: () => 1n });
    await expect(opened).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE', path: `${path}/log` });
    await rm(path, { recursive: true });
  });

  test('a newer format is told from damage, with both versions', async () => {
    await (await openLog(disk)).wal.close();
    const [name] = await disk.list(LOG);
    const bytes = disk.contentOf(`${LOG}/${name}`);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(checksum(bytes.subarray(0, 12)), 12);
    disk.alter(`${LOG}/${name}`, bytes);

    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'DATA_DIR_NEWER_FORMAT',
      message: expect.stringContaining('format 2; this version reads up to 1'),
    });
  });
});

test('on the real disk a log is appended to, read back and compacted', async () => {
  const path = await mkdtemp(join(tmpdir(), 'conclave-wal-'));
  const options = { disk: nodeDisk, path: `${path}/log`, logger: silentLogger, newLogId: () => 1n, ...SMALL_SEGMENTS };
  const { wal } = await Wal.open(options);
  for (let index = 1; index <= 10; index += 1) await wal.append(undefined, [entry(index)]);
  await wal.compactTo(4);
  await wal.close();

  const again = await Wal.open(options);
  expect(shown(again.entries)).toEqual(shown(entriesOf(5, 10)));
  await again.wal.close();
  await rm(path, { recursive: true });
});
