import { describe, expect, test } from '@jest/globals';
import { LogDamagedError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/logger.js';
import { seededPrng } from '../base/prng.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { segmentName } from './segment-header.js';
import { entriesOf, entry, hardState, LOG, openLog, shown } from './testing/log-fixture.js';
import { Wal } from './wal.js';

const FIRST_SEGMENT = `${LOG}/${segmentName(1, 1)}`;

/** A log of groups of different shapes, and where each of them ends in the first segment. */
async function writtenLog(groupCount: number, segmentBytes?: number) {
  const disk = new VirtualDisk();
  const { wal } = await openLog(disk, segmentBytes ? { segmentBytes } : {});
  const ends = [SEGMENT_HEADER_BYTES];
  for (let group = 1, index = 1; group <= groupCount; group += 1) {
    const size = (group % 3) + 1;
    await wal.append(group % 2 ? hardState(1, index - 1) : undefined, entriesOf(index, index + size - 1));
    index += size;
    ends.push(await endOfGroups(disk));
  }
  await wal.close();
  return { disk, ends };
}

async function endOfGroups(disk: VirtualDisk): Promise<number> {
  const content = disk.contentOf(FIRST_SEGMENT);
  let end = content.length;
  while (content[end - 1] === 0) end -= 1;
  return Math.ceil(end / 8) * 8;
}

/** The same disk with the bytes of the first segment changed. */
function altered(disk: VirtualDisk, change: (content: Buffer) => Uint8Array): VirtualDisk {
  const copy = disk.afterPowerCut('nothing');
  copy.alter(FIRST_SEGMENT, change(copy.contentOf(FIRST_SEGMENT)));
  return copy;
}

/** The entries of the first groups of {@link writtenLog}. */
function entriesOfGroups(groupCount: number): string[] {
  let last = 0;
  for (let group = 1; group <= groupCount; group += 1) last += (group % 3) + 1;
  return shown(entriesOf(1, last));
}

function flip(content: Buffer, at: number): Buffer {
  content[at]! ^= 0xff;
  return content;
}

/** The bytes of a group, with a high number, that another log holds. */
async function groupOfAnotherLog(): Promise<Buffer> {
  const other = new VirtualDisk();
  const { wal } = await Wal.open({ disk: other, path: LOG, logger: silentLogger, newLogId: () => 0xbadn });
  for (let index = 1; index <= 9; index += 1) await wal.append(undefined, [entry(index)]);
  const content = other.contentOf(FIRST_SEGMENT);
  const start = content.lastIndexOf('CgrP');
  return content.subarray(start, start + 72);
}

describe('a torn end', () => {
  test('cut at every byte of the last three groups, the log keeps all groups before, and drops and reports the rest', async () => {
    const { disk, ends } = await writtenLog(6);
    for (let cut = ends[3]!; cut <= ends[6]!; cut += 1) {
      const torn = altered(disk, (content) => content.subarray(0, cut));
      const whole = ends.filter((end) => end <= cut).length - 1;

      const opened = await openLog(torn);

      expect(shown(opened.entries)).toEqual(entriesOfGroups(whole));
      if (cut === ends[whole]) expect(opened.dropped).toBeUndefined();
      else expect(opened.dropped).toMatchObject({ file: FIRST_SEGMENT, offset: ends[whole] });
    }
  });

  test('after it was cut off the log goes on, and nothing of what was dropped comes back', async () => {
    const { disk, ends } = await writtenLog(6);
    for (let cut = ends[5]! + 1; cut < ends[6]!; cut += 1) {
      const torn = altered(disk, (content) => content.subarray(0, cut));
      const { wal, entries } = await openLog(torn);
      await wal.append(undefined, [entry(entries.length + 1, 2, 'new')]);

      const again = await openLog(torn.afterPowerCut('nothing'));

      expect(shown(again.entries)).toEqual([...entriesOfGroups(5), `${entries.length + 1}@2 new`]);
      expect(again.dropped).toBeUndefined();
    }
  });

  test('what is dropped is logged as a warning, with file, place and length up to the last byte that is no zero', async () => {
    const { disk, ends } = await writtenLog(2);
    const torn = altered(disk, (content) => content.subarray(0, ends[1]! + 20));
    const warnings: object[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (fields) => void warnings.push(fields) } satisfies Logger;

    await openLog(torn, { logger });

    expect(warnings).toEqual([{ file: FIRST_SEGMENT, offset: ends[1], bytes: 17 }]);
  });

  test('a last group of which any sectors are missing is torn, not damaged', async () => {
    const large = entriesOf(4, 60);
    for (let seed = 0; seed < 200; seed += 1) {
      const disk = new VirtualDisk();
      const { wal } = await openLog(disk);
      await wal.append(undefined, entriesOf(1, 3));
      disk.fault = ({ name }) => (name === 'sync' ? 'power cut' : undefined);
      await wal.append(undefined, large).catch(() => {});

      const opened = await openLog(disk.afterPowerCut(seededPrng(seed)));

      const whole = opened.entries.length > 3;
      expect(shown(opened.entries)).toEqual(shown(whole ? [...entriesOf(1, 3), ...large] : entriesOf(1, 3)));
    }
  });

  test('cutting it off survives power cuts in its midst', async () => {
    const disk = new VirtualDisk();
    const { wal } = await openLog(disk);
    await wal.append(undefined, entriesOf(1, 3));
    disk.fault = ({ name }) => (name === 'sync' ? 'power cut' : undefined);
    await wal.append(undefined, entriesOf(4, 60)).catch(() => {});
    for (let seed = 0; seed < 100; seed += 1) {
      const prng = seededPrng(seed);
      let torn = disk.afterPowerCut(prng);
      for (const name of ['write', 'sync', 'write', 'sync'] as const) {
        torn.fault = (operation) => (operation.name === name ? 'power cut' : undefined);
        await expect(openLog(torn)).rejects.toMatchObject({ code: 'LOG_FAILED' });
        torn = torn.afterPowerCut(prng);
      }
      expect(shown((await openLog(torn)).entries).slice(0, 3)).toEqual(shown(entriesOf(1, 3)));
    }
  });
});

describe('damage', () => {
  test('a flip of any byte before the last group is told, with the file and the place', async () => {
    const { disk, ends } = await writtenLog(4);
    for (let at = 0; at < ends[3]!; at += 1) {
      const opened = openLog(altered(disk, (content) => flip(content, at)));
      const groupAt = at < SEGMENT_HEADER_BYTES ? 0 : ends.findLast((end) => end <= at);
      await expect(opened).rejects.toMatchObject({ code: 'LOG_DAMAGED', file: FIRST_SEGMENT, offset: groupAt });
    }
  });

  test('a flip of any byte of the last group drops it, and never gives a wrong entry', async () => {
    const { disk, ends } = await writtenLog(4);
    for (let at = ends[3]!; at < ends[4]!; at += 1) {
      const { entries, dropped } = await openLog(altered(disk, (content) => flip(content, at)));
      expect(shown(entries)).toEqual(entriesOfGroups(3));
      expect(dropped).toMatchObject({ file: FIRST_SEGMENT, offset: ends[3] });
    }
  });

  test('a flip of any byte after the last group is cut off', async () => {
    const { disk, ends } = await writtenLog(4);
    for (let at = ends[4]!; at < ends[4]! + 200; at += 1) {
      const { entries, dropped } = await openLog(altered(disk, (content) => flip(content, at)));
      expect(shown(entries)).toEqual(entriesOfGroups(4));
      expect(dropped).toEqual({ file: FIRST_SEGMENT, offset: ends[4], bytes: at - ends[4]! + 1 });
    }
  });

  test('a group that was zeroed is told from the end of the log', async () => {
    const { disk, ends } = await writtenLog(4);
    const zeroed = altered(disk, (content) => content.fill(0, ends[1], ends[2]));
    await expect(openLog(zeroed)).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      offset: ends[1],
      message: expect.stringContaining('group 2 is not whole, though group 3 was begun after it'),
    });
  });

  test('a group is known to have been durable by a later one, though that one is torn', async () => {
    const { disk, ends } = await writtenLog(4);
    const both = altered(disk, (content) => flip(content, ends[3]! - 20).subarray(0, ends[4]! - 20));
    await expect(openLog(both)).rejects.toMatchObject({ code: 'LOG_DAMAGED', offset: ends[2] });
  });

  test('a group of another place in the log does not pass for the one that belongs there', async () => {
    const { disk, ends } = await writtenLog(4);
    const repeated = altered(disk, (content) => {
      content.copy(content, ends[3], ends[0], ends[1]);
      return content.fill(0, ends[3]! + ends[1]! - ends[0]!);
    });
    const { entries, dropped } = await openLog(repeated);
    expect(shown(entries)).toEqual(entriesOfGroups(3));
    expect(dropped).toBeDefined();
  });

  test('a group that was written after another history is told', async () => {
    const { disk, ends } = await writtenLog(3);
    const other = new VirtualDisk();
    const { wal } = await openLog(other);
    for (const group of [1, 2, 3]) await wal.append(undefined, [entry(group, 9, 'x'.repeat(group))]);
    const mixed = altered(disk, (content) => {
      const foreign = other.contentOf(FIRST_SEGMENT);
      const start = foreign.lastIndexOf('CgrP');
      content.fill(0, ends[2]);
      foreign.copy(content, ends[2], start, start + 72);
      return content;
    });
    await expect(openLog(mixed)).rejects.toMatchObject({ code: 'LOG_DAMAGED', offset: ends[2] });
  });

  test('groups of another log are not taken for later ones, even inside a value', async () => {
    const disk = new VirtualDisk();
    const { wal } = await openLog(disk);
    await wal.append(undefined, [entry(1)]);
    const secondGroupAt = await endOfGroups(disk);
    const foreign = await groupOfAnotherLog();
    await wal.append(undefined, [{ index: 2, term: 1, data: Buffer.concat([Buffer.alloc(4), foreign]) }]);
    expect(disk.contentOf(FIRST_SEGMENT).lastIndexOf('CgrP') % 8).toBe(0);
    const torn = altered(disk, (content) => flip(content, secondGroupAt));
    const { entries, dropped } = await openLog(torn);
    expect(shown(entries)).toEqual(shown([entry(1)]));
    expect(dropped).toBeDefined();
  });

  test('a flip of any byte of any segment but the last is told, and so is a missing segment', async () => {
    const { disk } = await writtenLog(12, SEGMENT_HEADER_BYTES + 400);
    const names = [...(await disk.list(LOG))].sort();
    expect(names.length).toBeGreaterThan(2);
    const whole = shown((await openLog(disk.afterPowerCut('nothing'), { segmentBytes: 900 })).entries);
    for (const name of names.slice(0, -1)) {
      const content = disk.contentOf(`${LOG}/${name}`);
      for (let at = 0; at < content.length; at += 1) {
        const copy = disk.afterPowerCut('nothing');
        copy.alter(`${LOG}/${name}`, flip(Buffer.from(content), at));
        const result = await openLog(copy).then(
          ({ entries }) => shown(entries),
          (error: unknown) => error,
        );
        if (result instanceof LogDamagedError) continue;
        expect(result).toEqual(whole);
        expect(content[at]).toBe(0);
      }
    }
    const [, second] = names;
    await disk.remove(`${LOG}/${second}`);
    await expect(openLog(disk)).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
  });

  test('a log that ends before what it says was committed is told', async () => {
    const disk = new VirtualDisk();
    const { wal } = await openLog(disk);
    await wal.append(hardState(1, 5), entriesOf(1, 3));
    await expect(openLog(disk)).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining('ends at entry 3, but entry 5 was durable'),
    });
  });

  test('an end that looks torn is damage if it is known to have been durable, and is left as it is', async () => {
    const { disk, ends } = await writtenLog(4);
    const torn = altered(disk, (content) => content.subarray(0, ends[4]! - 20));
    const before = torn.contentOf(FIRST_SEGMENT);
    const lastIndex = entriesOfGroups(3).length;

    await expect(openLog(torn, { durableIndex: lastIndex + 1 })).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      file: FIRST_SEGMENT,
      offset: ends[3],
    });
    expect(torn.contentOf(FIRST_SEGMENT).equals(before)).toBe(true);
    expect((await openLog(torn, { durableIndex: lastIndex })).dropped).toBeDefined();
  });

  test('an end that looks torn is damage if what was durable there has another term than what it overwrote', async () => {
    const disk = new VirtualDisk();
    const { wal } = await openLog(disk);
    await wal.append(hardState(1), entriesOf(1, 2));
    await wal.append(hardState(2, 2), [entry(2, 2)]);
    await wal.close();
    const end = await endOfGroups(disk);
    const torn = altered(disk, (content) => content.subarray(0, end - 8));

    await expect(openLog(torn, { durableIndex: 2, durableTerm: 2 })).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining('entry 2 is of term 1, and the one that was durable there of term 2'),
    });
    expect((await openLog(disk, { durableIndex: 2, durableTerm: 2 })).entries).toHaveLength(2);
    expect((await openLog(torn, { durableIndex: 2, durableTerm: 1 })).dropped).toBeDefined();
  });

  test('a log that is gone is told if something in it is known to have been durable', async () => {
    const opened = openLog(new VirtualDisk(), { durableIndex: 1 });
    await expect(opened).rejects.toMatchObject({ code: 'LOG_DAMAGED', file: LOG });
  });

  test('a log that is damaged is left as it is', async () => {
    const { disk } = await writtenLog(4);
    const damaged = altered(disk, (content) => flip(content, SEGMENT_HEADER_BYTES + 60));
    const before = damaged.contentOf(FIRST_SEGMENT);
    const writes: string[] = [];
    damaged.fault = ({ name }) => void (name === 'write' && writes.push(name));
    await expect(openLog(damaged)).rejects.toBeInstanceOf(LogDamagedError);
    expect(damaged.contentOf(FIRST_SEGMENT).equals(before)).toBe(true);
    expect(writes).toEqual([]);
  });

  test('lengths that no file could hold are not believed', async () => {
    const { disk, ends } = await writtenLog(2);
    for (const field of [32, 36]) {
      const huge = altered(disk, (content) => {
        content.writeUInt32LE(0xffffffff, ends[1]! + field);
        return content;
      });
      expect(shown((await openLog(huge)).entries)).toEqual(entriesOfGroups(1));
    }
  });
});
