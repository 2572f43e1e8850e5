import { describe, expect, test } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import { seededPrng } from '../base/prng.js';
import { settle } from '../testing/manual-clock.js';
import { type DiskFault, VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import type { Member } from './member.js';
import { startOnDisk } from './testing/start.js';
import { codesOf } from './testing/codes.js';

async function contentOf(member: Member): Promise<Record<string, string>> {
  const { kvs } = await member.range({ type: 'range', ...everything() });
  return Object.fromEntries(kvs.map((kv) => [toText(kv.key), toText(kv.value)]));
}

function put(member: Member, key: string, value: string) {
  return member.put({ type: 'put', key: toBytes(key), value: toBytes(value) });
}

/** Fails the nth operation of this name from now on, and every later one. */
function failFrom(disk: VirtualDisk, name: string, fault: DiskFault): void {
  disk.fault = (operation) => (operation.name === name ? fault : undefined);
}

describe('a member over a disk', () => {
  test('knows everything again after a restart', async () => {
    const disk = new VirtualDisk();
    const first = await startOnDisk(disk);
    await Promise.all([put(first, 'a', '1'), put(first, 'b', '2')]);
    await put(first, 'a', '3');
    const lease = await first.leaseGrant(0n, 60);
    const { revision, term } = first;
    await first.close();

    const second = await startOnDisk(disk);

    expect(await contentOf(second)).toEqual({ a: '3', b: '2' });
    expect(second.revision).toBe(revision);
    expect(second.term).toBe(term + 1);
    expect((await second.leases()).ids).toEqual([lease.id]);
    await second.close();
  });

  test('keeps what it acknowledged when the power is cut, whatever the disk makes of the rest', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const disk = new VirtualDisk();
      const member = await startOnDisk(disk);
      const acknowledged: Record<string, string> = {};
      let operations = 0;
      disk.fault = () => ((operations += 1) === 4 + seed ? 'power cut' : undefined);
      for (let i = 0; i < 40; i += 1) {
        await put(member, `key/${i}`, `${i}`).then(
          () => (acknowledged[`key/${i}`] = `${i}`),
          () => undefined,
        );
      }
      expect(await member.stopped).toMatchObject({ code: 'MEMBER_STOPPED' });

      const after = await startOnDisk(disk.afterPowerCut(seed % 3 === 0 ? 'nothing' : seededPrng(seed)));

      expect(await contentOf(after)).toMatchObject(acknowledged);
      await after.close();
    }
  });

  test('after a failed sync acknowledges nothing, tries nothing more, and says why', async () => {
    const disk = new VirtualDisk();
    const member = await startOnDisk(disk);
    await put(member, 'before', '1');
    failFrom(disk, 'sync', { code: 'EIO' });

    const writes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => put(member, `key/${i}`, '1')));
    const operations = disk.operationCount;
    disk.fault = () => undefined;

    expect(codesOf(writes)).toEqual(Array(10).fill('OUTCOME_UNKNOWN'));
    expect(await member.stopped).toMatchObject({ code: 'MEMBER_STOPPED', cause: { code: 'LOG_FAILED' } });
    await expect(put(member, 'after', '1')).rejects.toMatchObject({ code: 'MEMBER_STOPPED' });
    await settle();
    // Only the file is let go of.
    expect(disk.operationCount).toBeLessThanOrEqual(operations + 1);

    const after = await startOnDisk(disk.afterPowerCut('nothing'));
    expect(await contentOf(after)).toMatchObject({ before: '1' });
    await after.close();
  });

  test('on a full disk stops with that reason, and goes on once there is room after a restart', async () => {
    const disk = new VirtualDisk();
    const member = await startOnDisk(disk);
    await put(member, 'before', '1');
    failFrom(disk, 'write', { code: 'ENOSPC', writtenBytes: 7 });

    await expect(put(member, 'lost', '1')).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await member.stopped).toMatchObject({ cause: { code: 'DATA_DIR_FULL' } });

    disk.fault = () => undefined;
    const after = await startOnDisk(disk);
    expect(await contentOf(after)).toEqual({ before: '1' });
    await put(after, 'again', '1');
    await after.close();
  });

  test('commits in groups: a thousand concurrent puts need few syncs', async () => {
    const disk = new VirtualDisk();
    const member = await startOnDisk(disk);
    let syncs = 0;
    disk.fault = ({ name }) => {
      if (name === 'sync') syncs += 1;
      return undefined;
    };

    await Promise.all(Array.from({ length: 1_000 }, (_, i) => put(member, `key/${i}`, 'x')));

    expect(syncs).toBeLessThanOrEqual(3);
    await member.close();
  });
});
