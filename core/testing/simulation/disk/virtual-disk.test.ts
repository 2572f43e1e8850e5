import { expect, test } from '@jest/globals';
import { seededPrng } from '../../../base/prng.js';
import { diskContract } from '../../../wal/disk.contract.js';
import { VirtualDisk } from './virtual-disk.js';

diskContract('the virtual disk', async () => {
  const disk = new VirtualDisk();
  await disk.makeDirectory('/d');
  return { disk, path: '/d', remove: () => Promise.resolve() };
});

async function diskWithFile(content: string): Promise<VirtualDisk> {
  const disk = new VirtualDisk();
  const file = await disk.create('/a');
  await file.write(Buffer.from(content), 0);
  await file.sync();
  await disk.syncDirectory('/');
  return disk;
}

test('a power cut takes what was not synced', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  await file.write(Buffer.from('new, longer'), 0);

  expect(disk.contentOf('/a').toString()).toBe('new, longer');
  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('old');
  expect(disk.afterPowerCut('everything').contentOf('/a').toString()).toBe('new, longer');
});

test('a power cut keeps what was synced', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  await file.write(Buffer.from('new'), 0);
  await file.sync();

  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('new');
});

test('a power cut takes any of the sectors that were not synced', async () => {
  const disk = await diskWithFile('a'.repeat(2_048));
  const file = await disk.open('/a');
  await file.write(Buffer.from('b'.repeat(1_000)), 500);

  const seen = new Set<string>();
  for (let seed = 0; seed < 64; seed += 1) {
    const content = disk.afterPowerCut(seededPrng(seed)).contentOf('/a').toString();
    seen.add([content[500], content[512], content[1_024]].join(''));
    expect(content.slice(0, 500) + content.slice(1_500)).toBe('a'.repeat(1_048));
  }
  expect([...seen].sort()).toEqual(['aaa', 'aab', 'aba', 'abb', 'baa', 'bab', 'bba', 'bbb']);
});

test('a power cut undoes names of which the directory was not synced', async () => {
  const disk = await diskWithFile('x');
  await disk.rename('/a', '/b');
  const made = await disk.create('/c');
  await made.sync();

  expect(await disk.afterPowerCut('nothing').list('/')).toEqual(['a']);
  expect(await disk.afterPowerCut('everything').list('/')).toEqual(['b', 'c']);
  await disk.syncDirectory('/');
  expect((await disk.afterPowerCut('nothing').list('/')).length).toBe(2);
});

test('a power cut takes a directory with what is in it', async () => {
  const disk = new VirtualDisk();
  await disk.makeDirectory('/d');
  await disk.create('/d/a');
  await disk.syncDirectory('/d');

  expect(await disk.afterPowerCut('nothing').list('/')).toEqual([]);
});

test('after a failed sync the bytes can be read, but a later sync does not make them durable', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  await file.write(Buffer.from('new'), 0);
  disk.fault = ({ name }) => (name === 'sync' ? { code: 'EIO' } : undefined);
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  disk.fault = () => undefined;
  await file.sync();

  expect(disk.contentOf('/a').toString()).toBe('new');
  expect(disk.afterPowerCut('everything').contentOf('/a').toString()).toBe('old');
});

test('a write that fails may have written its beginning', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  disk.fault = ({ name }) => (name === 'write' ? { code: 'ENOSPC', writtenBytes: 2 } : undefined);

  await expect(file.write(Buffer.from('new'), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(disk.contentOf('/a').toString()).toBe('ned');
});

test('nothing is done once the power is cut', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  disk.fault = ({ name }) => (name === 'write' ? 'power cut' : undefined);
  await expect(file.write(Buffer.from('new'), 0)).rejects.toMatchObject({ code: 'EPOWER' });
  await expect(file.sync()).rejects.toMatchObject({ code: 'EPOWER' });

  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('old');
  expect(disk.afterPowerCut('everything').contentOf('/a').toString()).toBe('new');
});
