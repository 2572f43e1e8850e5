import { describe, expect, test } from '@jest/globals';
import { OverlayBackend } from '../../../backend/overlay-backend.js';
import { describeBackend } from '../../../backend/backend.contract.js';
import { toBytes, toText } from '../../../base/bytes.js';
import { ManualClock } from '../../manual-clock.js';
import { VirtualDisk } from './virtual-disk.js';
import { VirtualEngine } from './virtual-engine.js';

const open = async (disk: VirtualDisk) =>
  new OverlayBackend(await VirtualEngine.open(disk, '/db'), Number.POSITIVE_INFINITY, new ManualClock());

describeBackend('the engine on a virtual disk', () => open(new VirtualDisk()));

/** Transactions that each change all of a few entries, and delete one; after transaction n all values are n. */
async function transact(disk: VirtualDisk, count: number): Promise<number> {
  let committed = 0;
  try {
    const backend = await open(disk);
    await disk.syncDirectory('/');
    await disk.syncDirectory('/db');
    for (let n = 1; n <= count; n += 1) {
      backend.write((batch) => {
        for (const key of 'abc') batch.put('meta', toBytes(key), toBytes(String(n).padEnd(300)));
        batch.put('history', toBytes(`only ${n}`), toBytes('x'));
        batch.delete('history', toBytes(`only ${n - 1}`));
      });
      await backend.flush();
      committed = n;
    }
  } catch {
    // The power was cut.
  }
  return committed;
}

async function found(disk: VirtualDisk): Promise<{ values: Set<string>; only: string[] }> {
  const backend = await open(disk);
  const values = new Set([...backend.scan('meta')].map(([, value]) => toText(value).trim()));
  return { values, only: [...backend.scan('history')].map(([key]) => toText(key)) };
}

describe('after a power cut', () => {
  test.each(['nothing', 'everything', 'last torn', 'last dropped'] as const)(
    'at any operation (%s survives) it is as of some transaction that had begun, and not before one that had ended',
    async (survival) => {
      for (let at = 0; ; at += 1) {
        const disk = new VirtualDisk();
        disk.fault = ({ number }) => (number === at ? 'power cut' : undefined);
        const committed = await transact(disk, 3);
        const { values, only } = await found(disk.afterPowerCut(survival));
        const transactions = [committed, committed + 1].filter((n) => n > 0).map((n) => `only ${n}`);
        expect(values.size).toBeLessThanOrEqual(1);
        expect(only.length === 0 ? committed === 0 : transactions.includes(only[0] as string)).toBe(true);
        if (only.length > 0) expect([...values]).toEqual([(only[0] as string).slice('only '.length)]);
        if (committed === 3) return;
      }
    },
  );

  test('it goes on where it was', async () => {
    const disk = new VirtualDisk();
    await transact(disk, 2);
    const left = disk.afterPowerCut('nothing');
    await transact(left, 4);
    expect(await found(left.afterPowerCut('nothing'))).toEqual({ values: new Set(['4']), only: ['only 4'] });
  });
});

test.each(['nothing', 'everything', 'last torn'] as const)(
  'a transaction whose sync fails is not there after a restart, nor missed after a power cut (%s survives)',
  async (survival) => {
    for (let failing = 0; failing < 2; failing += 1) {
      const disk = new VirtualDisk();
      await transact(disk, 1);
      let syncs = 0;
      disk.fault = ({ name }) => (name === 'sync' && syncs++ === failing + 1 ? { code: 'EIO' } : undefined);
      await transact(disk, 2);
      expect(syncs).toBe(failing + 2);

      const restarted = disk.afterKill();
      const { only } = await found(restarted);
      // If the transaction was synced, and not what names it, it may be the last or not.
      if (failing === 0) expect(only).toEqual(['only 1']);
      await transact(restarted, 3);

      expect(await found(restarted.afterPowerCut(survival))).toEqual({ values: new Set(['3']), only: ['only 3'] });
    }
  },
);

test('what names the last transaction is not believed when it is damaged', async () => {
  const disk = new VirtualDisk();
  await transact(disk, 1);
  disk.flip(disk.files('/db')[0]!.path, 4, 1);
  await expect(found(disk)).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' });
});

test('a transaction that is damaged, and not the last, is not passed over', async () => {
  const disk = new VirtualDisk();
  await transact(disk, 3);
  const [file] = disk.files('/db');
  disk.flip(file!.path, 900, 1);
  await expect(found(disk)).rejects.toMatchObject({ code: 'DATA_DIR_UNREADABLE' });
});

test.each([
  ['ENOSPC', 'DATA_DIR_FULL'],
  ['EIO', 'EIO'],
])('a transaction that fails with %s is one that LMDB would fail with, too', async (code, told) => {
  const disk = new VirtualDisk();
  const backend = await open(disk);
  disk.fault = ({ name }) => (name === 'sync' ? { code } : undefined);
  backend.write((batch) => batch.put('meta', toBytes('a'), toBytes('1')));
  await expect(backend.flush()).rejects.toMatchObject({ code: told });
});
