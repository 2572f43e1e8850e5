import { beforeEach, describe, expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { entriesOf, entry, hardState, LOG, openLog, shown } from './testing/log-fixture.js';
import type { Survival } from '../testing/simulation/disk/survival.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import type { OpenedWal } from './wal.js';

let disk: VirtualDisk;
beforeEach(() => {
  disk = new VirtualDisk();
});

/** A log with groups of one entry in small segments: 4 entries a segment. */
const SMALL_SEGMENTS = { segmentBytes: SEGMENT_HEADER_BYTES + 4 * 72 };
const SNAPSHOT = { index: 20, term: 3 };

const names = async () => [...(await disk.list(LOG))].sort().map((name) => name.replace(/(0+)(?=.)/g, ''));

/** A log of one term, of which the first four are committed, over several segments. */
async function logUpTo(lastIndex: number, term = 1) {
  const { wal } = await openLog(disk, SMALL_SEGMENTS);
  await wal.append(hardState(term), []);
  for (let index = 1; index <= lastIndex; index += 1) await wal.append(undefined, [entry(index, term)]);
  await wal.append(hardState(term, Math.min(4, lastIndex)), []);
  return wal;
}

function factsOf({ firstIndex, previousTerm, hardState, entries }: OpenedWal) {
  return { firstIndex, previousTerm, hardState, entries: shown(entries) };
}

const BEGUN_ANEW = { firstIndex: 21, previousTerm: 3, hardState: hardState(3, 20), entries: [] };

describe('a log that begins anew', () => {
  test('has nothing before the position, and goes on after it', async () => {
    const wal = await logUpTo(10);
    await wal.reset(SNAPSHOT, hardState(3));
    expect(await names()).toEqual(['4-15.wal']);
    expect(factsOf(await openLog(disk, SMALL_SEGMENTS))).toEqual(BEGUN_ANEW);

    for (let index = 21; index <= 30; index += 1) await wal.append(undefined, [entry(index, 3)]);
    const again = await openLog(disk, SMALL_SEGMENTS);
    expect(factsOf(again)).toEqual({ ...BEGUN_ANEW, entries: shown(entriesOf(21, 30, 3)) });
    await again.wal.append(undefined, [entry(31, 3)]);
  });

  test('drops what it had after the position as well', async () => {
    const wal = await logUpTo(30);
    await wal.reset(SNAPSHOT, hardState(3));
    await expect(wal.append(undefined, [entry(31)])).rejects.toThrow('leaves no gap');
    expect(factsOf(await openLog(disk, SMALL_SEGMENTS))).toEqual(BEGUN_ANEW);
  });

  test('can do so again', async () => {
    const wal = await logUpTo(3);
    await wal.reset(SNAPSHOT, hardState(3));
    await wal.append(undefined, [entry(21, 3)]);
    await wal.reset({ index: 40, term: 5 }, hardState(6));
    await wal.append(undefined, [entry(41, 6)]);
    expect(factsOf(await openLog(disk, SMALL_SEGMENTS))).toEqual({
      firstIndex: 41,
      previousTerm: 5,
      hardState: hardState(6, 40),
      entries: shown([entry(41, 6)]),
    });
  });

  test('says that what comes before was committed, and no more than that', async () => {
    const wal = await logUpTo(10);
    await wal.reset(SNAPSHOT, hardState(3, 25));
    expect((await openLog(disk, SMALL_SEGMENTS)).hardState).toEqual(hardState(3, 20));
    await expect(wal.append(undefined, [entry(20, 3)])).rejects.toThrow('committed is not overwritten');
  });

  test('is compacted as any other', async () => {
    const wal = await logUpTo(10);
    await Promise.all([wal.compactTo(4), wal.reset(SNAPSHOT, hardState(3)), wal.compactTo(8)]);
    for (let index = 21; index <= 30; index += 1) await wal.append(undefined, [entry(index, 3)]);
    await wal.compactTo(24);
    const again = await openLog(disk, SMALL_SEGMENTS);
    expect({ first: again.firstIndex, term: again.previousTerm }).toEqual({ first: 25, term: 3 });
  });

  test('does so only after something that it did not know to be committed', async () => {
    const wal = await logUpTo(10);
    await expect(wal.reset({ index: 4, term: 1 }, hardState(3))).rejects.toThrow('something later');
    await wal.reset({ index: 5, term: 1 }, hardState(3));
  });

  test('does so when nothing is being appended, and not once it is closed', async () => {
    const wal = await logUpTo(1);
    const appending = wal.append(undefined, [entry(2)]);
    await expect(wal.reset(SNAPSHOT, hardState(3))).rejects.toThrow('nothing is being appended');
    await appending;
    const resetting = wal.reset(SNAPSHOT, hardState(3));
    await expect(wal.append(undefined, [entry(3)])).rejects.toThrow('one append is under way');
    await resetting;
    await wal.close();
    await expect(wal.reset(SNAPSHOT, hardState(3))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('takes nothing more once the disk has failed', async () => {
    const wal = await logUpTo(10);
    disk.fault = ({ name }) => (name === 'rename' ? { code: 'EIO' } : undefined);
    await expect(wal.reset(SNAPSHOT, hardState(3))).rejects.toMatchObject({ code: 'LOG_FAILED' });
    disk.fault = () => undefined;
    await expect(wal.append(undefined, [entry(11)])).rejects.toMatchObject({ code: 'LOG_FAILED' });
  });
});

describe('a log that is opened after a snapshot was installed', () => {
  const open = (durableIndex = SNAPSHOT.index) =>
    openLog(disk, { ...SMALL_SEGMENTS, durableIndex, snapshot: SNAPSHOT });

  test.each([
    ['ends before it', 19, 1],
    ['holds nothing', 0, 1],
    ['has another term there', 30, 1],
    ['ends there in another term', 20, 2],
  ])('begins anew if it %s', async (_what, lastIndex, term) => {
    await logUpTo(lastIndex, term);
    // In a term that the member first learns of here it has not voted.
    const begun = { ...BEGUN_ANEW, hardState: hardState(3, 20, 0n) };

    const opened = await open();

    expect(factsOf(opened)).toEqual(begun);
    await opened.wal.append(undefined, [entry(21, 3)]);
    expect(factsOf(await open(21))).toEqual({ ...begun, entries: shown([entry(21, 3)]) });
    expect((await names()).length).toBe(1);
  });

  test('keeps its term and vote if it knows a later term', async () => {
    await logUpTo(10, 7);
    expect((await open()).hardState).toEqual(hardState(7, 20));
  });

  test('goes on as it is if it has that entry, or begins after it', async () => {
    const wal = await logUpTo(30, 3);
    expect((await open()).entries.length).toBe(30);
    await wal.compactTo(28);
    expect((await open()).firstIndex).toBe(28);
  });

  test('is damaged if entries after the snapshot were applied, for those came from a log that had begun anew', async () => {
    await logUpTo(19, 3);
    const before = await names();
    await expect(open(21)).rejects.toThrow('the log ends at entry 19, but entry 21 was durable');
    expect(await names()).toEqual(before);
  });

  test('is damaged if it knows another entry there to be committed', async () => {
    const wal = await logUpTo(30);
    await wal.append(hardState(1, 20), []);
    await expect(open()).rejects.toThrow('entry 20 is not the one that the snapshot ends with');
  });

  test('is damaged if there is none', async () => {
    disk = new VirtualDisk();
    await expect(open(0)).rejects.toThrow('there is no log, but entry 20 was durable');
  });
});

describe('a power cut', () => {
  const survivals: Survival[] = ['nothing', 'everything', ...[1, 2, 3].map((seed) => seededPrng(seed))];

  /** Does `work` once for each of its disk operations, with the power cut at that one; tells whether it was done. */
  async function atEveryOperation(
    prepare: () => Promise<() => Promise<unknown>>,
    check: (after: VirtualDisk, isDone: boolean) => Promise<void>,
  ): Promise<number> {
    for (let number = 0; ; number += 1) {
      disk = new VirtualDisk();
      const work = await prepare();
      const before = disk.operationCount;
      disk.fault = (operation) => (operation.number === before + number ? 'power cut' : undefined);
      const isDone = await work().then(
        () => true,
        () => false,
      );
      for (const survival of survivals) await check(disk.afterPowerCut(survival), isDone);
      if (disk.operationCount <= before + number) return number;
    }
  }

  test('while a log begins anew leaves the old one or the new one', async () => {
    const seen = new Set<number>();
    const count = await atEveryOperation(
      async () => {
        const wal = await logUpTo(10);
        return () => wal.reset(SNAPSHOT, hardState(3));
      },
      async (after, isDone) => {
        const opened = await openLog(after, SMALL_SEGMENTS);
        seen.add(opened.firstIndex);
        const old = { firstIndex: 1, previousTerm: 0, hardState: hardState(1, 4), entries: shown(entriesOf(1, 10)) };
        expect(factsOf(opened)).toEqual(isDone || opened.firstIndex > 1 ? BEGUN_ANEW : old);
        const next = opened.firstIndex + opened.entries.length;
        await opened.wal.append(undefined, [entry(next, 3)]);
        expect((await openLog(after.afterPowerCut('nothing'), SMALL_SEGMENTS)).entries.at(-1)?.index).toBe(next);
      },
    );
    expect(count).toBeGreaterThan(10);
    expect(seen).toEqual(new Set([1, 21]));
  });

  test('while a log is opened that a snapshot has overtaken is made good by opening it again', async () => {
    const options = { ...SMALL_SEGMENTS, durableIndex: 20, snapshot: SNAPSHOT };
    await atEveryOperation(
      async () => {
        await logUpTo(10);
        return () => openLog(disk, options);
      },
      async (after) => {
        const { firstIndex, entries, wal } = await openLog(after, options);
        expect({ firstIndex, entries }).toEqual({ firstIndex: 21, entries: [] });
        await wal.append(undefined, [entry(21, 3)]);
      },
    );
  });

  test('while a suffix over several segments is overwritten never brings back what was cut off', async () => {
    await atEveryOperation(
      async () => {
        const { wal } = await openLog(disk, SMALL_SEGMENTS);
        for (let index = 1; index <= 14; index += 1) await wal.append(undefined, [entry(index)]);
        return async () => {
          await wal.append(hardState(2), [entry(3, 2)]);
          for (let index = 4; index <= 9; index += 1) await wal.append(undefined, [entry(index, 2)]);
          await wal.append(hardState(2, 9), []);
          await wal.compactTo(9);
          await wal.append(hardState(2), [entry(10, 2)]);
        };
      },
      async (after, isDone) => {
        const { entries, firstIndex, hardState } = await openLog(after, SMALL_SEGMENTS);
        const last = entries.at(-1)?.index ?? 0;
        const expected =
          hardState.term === 2
            ? [...entriesOf(1, 2), ...entriesOf(3, last, 2)].slice(firstIndex - 1)
            : entriesOf(firstIndex, 14);
        expect(shown(entries)).toEqual(shown(expected));
        if (isDone) expect(last).toBe(10);
      },
    );
  });
});
