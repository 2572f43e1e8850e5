import { expect, test } from '@jest/globals';
import { seededPrng } from '../base/prng.js';
import type { HardState } from '../raft/types.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import type { Survival } from '../testing/simulation/disk/survival.js';
import { type DiskFault, VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { entriesOf, entry, hardState, openLog, shown } from './testing/log-fixture.js';
import type { OpenedWal, Wal } from './wal.js';

const SMALL_SEGMENTS = { segmentBytes: SEGMENT_HEADER_BYTES + 600 };

/** What whoever used the log was told, and so may rely on. */
interface Told {
  lastIndex: number;
  hardState: HardState | undefined;
  /** Entries up to here need not be kept. */
  compactedIndex: number;
}

/**
 * Begins a log, appends groups of different sizes, rolls over several segments, removes some. Ends early, and quietly, at
 * the first failure.
 */
async function workload(disk: VirtualDisk): Promise<Told> {
  const told: Told = { lastIndex: 0, hardState: undefined, compactedIndex: 0 };
  try {
    const { wal } = await openLog(disk, SMALL_SEGMENTS);
    for (let step = 1; step <= 24; step += 1) {
      await append(wal, told, 1 + ((step * 7) % 5), step % 3 === 0 ? hardState(step, told.lastIndex) : undefined);
      if (step % 12 === 0) await compact(wal, told);
    }
    await wal.close();
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(LOG_FAILED|DATA_DIR_\w+)$/) });
  }
  return told;
}

async function append(wal: Wal, told: Told, count: number, state?: HardState): Promise<void> {
  await wal.append(state, entriesOf(told.lastIndex + 1, told.lastIndex + count));
  told.lastIndex += count;
  told.hardState = state ?? told.hardState;
}

async function compact(wal: Wal, told: Told): Promise<void> {
  told.compactedIndex = told.lastIndex - 1;
  await wal.compactTo(told.compactedIndex);
}

/** Everything that was told is there; what is there beyond it is what was under way. */
function expectKept(told: Told, { firstIndex, entries, hardState: kept }: OpenedWal): void {
  const last = firstIndex + entries.length - 1;
  expect(firstIndex).toBeLessThanOrEqual(told.compactedIndex + 1);
  expect(last).toBeGreaterThanOrEqual(told.lastIndex);
  expect(shown(entries)).toEqual(shown(entriesOf(firstIndex, last)));
  expect(kept.term).toBeGreaterThanOrEqual(told.hardState?.term ?? 0);
}

/** The log goes on where it was, and keeps what was added. */
async function expectGoesOn(disk: VirtualDisk, opened: OpenedWal): Promise<void> {
  const next = opened.firstIndex + opened.entries.length;
  await opened.wal.append(undefined, [entry(next)]);
  const again = await openLog(disk.afterPowerCut('nothing'), SMALL_SEGMENTS);
  expect(shown(again.entries)).toEqual(shown(entriesOf(again.firstIndex, next)));
  expect(again.dropped).toBeUndefined();
}

/** Does `work` once for each operation of the workload, with a disk on which that operation goes wrong. */
async function atEveryOperation(
  faultOf: (name: string) => DiskFault,
  check: (disk: VirtualDisk, told: Told) => Promise<void>,
) {
  const whole = new VirtualDisk();
  await workload(whole);
  expect(whole.operationCount).toBeGreaterThan(80);
  for (let number = 0; number < whole.operationCount; number += 1) {
    const disk = new VirtualDisk();
    disk.fault = (operation) => (operation.number === number ? faultOf(operation.name) : undefined);
    const told = await workload(disk);
    disk.fault = () => undefined;
    await check(disk, told);
  }
}

test('without a fault the workload begins, rolls and removes segments', async () => {
  const disk = new VirtualDisk();
  const names = new Set<string>();
  let removed = 0;
  disk.fault = ({ name, path }) => {
    names.add(path);
    if (name === 'remove') removed += 1;
    return undefined;
  };
  const told = await workload(disk);
  expect([...names].filter((path) => path.endsWith('.wal')).length).toBeGreaterThan(3);
  expect(removed).toBeGreaterThan(1);
  expectKept(told, await openLog(disk, SMALL_SEGMENTS));
});

test('a power cut at any operation, whatever it leaves of the unsynced, loses nothing that was told', async () => {
  const chances = [1, 2, 3, 4].map((seed) => seededPrng(seed));
  const survivals: Survival[] = ['nothing', 'everything', ...chances];
  await atEveryOperation(
    () => 'power cut',
    async (disk, told) => {
      for (const survival of survivals) {
        const after = disk.afterPowerCut(survival);
        const opened = await openLog(after, SMALL_SEGMENTS);
        expectKept(told, opened);
        await expectGoesOn(after, opened);
      }
    },
  );
});

test('a power cut at any operation of opening the log again loses nothing either', async () => {
  const prng = seededPrng(11);
  await atEveryOperation(
    () => 'power cut',
    async (disk, told) => {
      let after = disk.afterPowerCut(prng);
      for (let number = 0; number < 12; number += 1) {
        after.fault = (operation) => (operation.number === number ? 'power cut' : undefined);
        await openLog(after, SMALL_SEGMENTS).catch(() => {});
        after = after.afterPowerCut(prng);
      }
      const opened = await openLog(after, SMALL_SEGMENTS);
      expectKept(told, opened);
      await expectGoesOn(after, opened);
    },
  );
});

test.each([
  ['EIO', 0],
  ['ENOSPC', 0],
  ['ENOSPC', 100],
  ['EIO', 1_000],
])(
  '%s at any operation, after %d bytes, stops the log; opened again it has all that was told',
  async (code, writtenBytes) => {
    await atEveryOperation(
      () => ({ code, writtenBytes }),
      async (disk, told) => {
        const opened = await openLog(disk, SMALL_SEGMENTS);
        expectKept(told, opened);
        await expectGoesOn(disk, opened);
      },
    );
  },
);

test('what is read back after a failed sync is durable at once', async () => {
  await atEveryOperation(
    (name) => ({ code: 'EIO', writtenBytes: name === 'write' ? 64 : 0 }),
    async (disk, told) => {
      const before = await openLog(disk, SMALL_SEGMENTS);
      const after = await openLog(disk.afterPowerCut('nothing'), SMALL_SEGMENTS);
      expectKept(told, after);
      expect(shown(after.entries)).toEqual(shown(before.entries));
    },
  );
});
