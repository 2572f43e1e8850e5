import { expect, test } from '@jest/globals';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { makeFolder } from './folders.js';

/** Makes /a/b until the process ends at one operation, and then once more in another process. */
async function madeInTwoLives(endsAt: number): Promise<VirtualDisk> {
  const disk = new VirtualDisk();
  let left = endsAt;
  disk.fault = () => ((left -= 1) < 0 ? { code: 'EIO' } : undefined);
  await makeFolder(disk, '/a/b').catch(() => undefined);
  const found = disk.afterKill();
  await makeFolder(found, '/a/b');
  return found;
}

test('a folder is there after a power cut, though the process that began to make it ended in between', async () => {
  for (let endsAt = 0; endsAt < 10; endsAt += 1) {
    const disk = await madeInTwoLives(endsAt);
    expect(await disk.afterPowerCut('nothing').exists('/a/b')).toBe(true);
  }
});

test('says which folder is the topmost that it made', async () => {
  const disk = new VirtualDisk();
  expect(await makeFolder(disk, '/a')).toBe('/a');
  expect(await makeFolder(disk, '/a/b/c')).toBe('/a/b');
  expect(await makeFolder(disk, '/a/b/c')).toBeUndefined();
});

test.each(['EACCES', 'EINVAL', 'EROFS'])(
  'a folder above that only others can sync is no obstacle (%s)',
  async (code) => {
    const disk = new VirtualDisk();
    await disk.makeDirectory('/mounted');
    disk.fault = ({ name, path }) => (name === 'syncDirectory' && path === '/' ? { code } : undefined);
    expect(await makeFolder(disk, '/mounted/data')).toBe('/mounted/data');
  },
);

test('a folder that cannot be made durable is an error', async () => {
  const disk = new VirtualDisk();
  disk.fault = ({ name }) => (name === 'syncDirectory' ? { code: 'EIO' } : undefined);
  await expect(makeFolder(disk, '/a')).rejects.toMatchObject({ code: 'EIO' });
});
