import { describe, expect, test } from '@jest/globals';
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

describe('a power cut that takes only the last', () => {
  async function twoWrites(): Promise<VirtualDisk> {
    const disk = await diskWithFile('a'.repeat(2_048));
    const file = await disk.open('/a');
    await file.write(Buffer.from('b'.repeat(1_024)), 0);
    await file.write(Buffer.from('c'.repeat(1_024)), 1_024);
    return disk;
  }
  const sectors = (disk: VirtualDisk) =>
    [0, 512, 1_024, 1_536].map((at) => disk.contentOf('/a').toString()[at]).join('');

  test('write keeps those before it', async () => {
    const disk = await twoWrites();
    expect(sectors(disk.afterPowerCut('last dropped'))).toBe('bbaa');
    expect(sectors(disk.afterPowerCut('last torn'))).toBe('bbca');
  });

  test('change of a name keeps the writes before it', async () => {
    const disk = await twoWrites();
    await disk.rename('/a', '/b');
    const left = disk.afterPowerCut('last dropped');
    expect(await left.list('/')).toEqual(['a']);
    expect(sectors(left)).toBe('bbcc');
  });
});

test('a power cut undoes the renaming of a directory, and not what is in it', async () => {
  const disk = await diskWithFile('x');
  await disk.makeDirectory('/d');
  await disk.syncDirectory('/');
  const file = await disk.create('/d/f');
  await file.write(Buffer.from('inside'), 0);
  await file.sync();
  await disk.syncDirectory('/d');
  await disk.rename('/d', '/e');

  const left = disk.afterPowerCut('nothing');
  expect(await left.list('/')).toEqual(['a', 'd']);
  expect(left.contentOf('/d/f').toString()).toBe('inside');
  expect(disk.afterPowerCut('everything').contentOf('/e/f').toString()).toBe('inside');
});

test('a tree is removed name by name, so that a power cut may leave any part of it', async () => {
  const whole = new VirtualDisk();
  await whole.makeDirectory('/d');
  for (const name of ['a', 'b']) await whole.create(`/d/${name}`);
  for (const path of ['/d', '/']) await whole.syncDirectory(path);
  const disk = whole.afterPowerCut('nothing');
  disk.fault = ({ path, name }) => (path === '/d/b' && name === 'removeTree' ? 'power cut' : undefined);
  await expect(disk.removeTree('/d')).rejects.toMatchObject({ code: 'EPOWER' });

  expect(await disk.afterPowerCut('nothing').list('/d')).toEqual(['a', 'b']);
  expect(await disk.afterPowerCut('last dropped').list('/d')).toEqual(['b']);
  expect(await disk.afterPowerCut('everything').list('/d')).toEqual([]);
});

test('what a process wrote is still there when it has ended, and as little durable as before', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  await file.write(Buffer.from('new'), 0);
  await disk.create('/b');
  disk.locks.set('/', {});

  const found = disk.afterKill();
  expect([await found.list('/'), found.contentOf('/a').toString(), found.locks.size]).toEqual([['a', 'b'], 'new', 0]);
  const left = found.afterPowerCut('nothing');
  expect([await left.list('/'), left.contentOf('/a').toString()]).toEqual([['a'], 'old']);
  await found.syncDirectory('/');
  expect(await found.afterPowerCut('nothing').list('/')).toEqual(['a', 'b']);
  expect(disk.unsyncedBytes('/a')).toBe(3);
});

test('a disk whose power was cut goes on in place, and files that were open are nobody’s', async () => {
  const disk = await diskWithFile('old');
  const file = await disk.open('/a');
  await file.write(Buffer.from('new'), 0);
  disk.locks.set('/', {});
  disk.powerCut('nothing');
  await file.write(Buffer.from('late'), 0);
  await file.sync();

  expect([disk.contentOf('/a').toString(), disk.locks.size]).toEqual(['old', 0]);
});

test('a full disk takes as much as there is room for, and still lets bytes be overwritten', async () => {
  const disk = await diskWithFile('12345678');
  const effects: string[] = [];
  disk.onEffect = (kind) => effects.push(kind);
  disk.capacityBytes = 10;
  const file = await disk.create('/b');
  await file.write(Buffer.from('ab'), 0);
  await expect(file.write(Buffer.from('xcd'), 1)).rejects.toMatchObject({ code: 'ENOSPC', syscall: 'write' });
  expect([disk.contentOf('/b').toString(), effects]).toEqual(['ax', ['write: ENOSPC']]);

  await disk.remove('/a');
  await file.write(Buffer.from('xcd'), 1);
  expect(disk.contentOf('/b').toString()).toBe('axcd');
});

test('a sector that cannot be read can be once it is written', async () => {
  const disk = await diskWithFile('a'.repeat(1_536));
  const effects: string[] = [];
  disk.onEffect = (kind) => effects.push(kind);
  disk.spoil('/a', 600);
  const file = await disk.open('/a');

  expect((await file.read(0, 512)).length).toBe(512);
  expect(effects).toEqual([]);
  await expect(file.read(0, 513)).rejects.toMatchObject({ code: 'EIO', syscall: 'read' });
  expect(effects).toEqual(['unreadable sector']);
  await file.write(Buffer.alloc(512), 512);
  expect((await file.read(0, 1_536)).length).toBe(1_536);
});

test('a bit that turned counts once somebody reads it', async () => {
  const disk = await diskWithFile('abc');
  const effects: string[] = [];
  disk.onEffect = (kind) => effects.push(kind);
  disk.flip('/a', 1, 0);
  disk.flip('/a', 2, 0);
  const file = await disk.open('/a');

  await file.read(0, 1);
  expect(effects).toEqual([]);
  expect(Buffer.from(await file.read(0, 2)).toString()).toBe('ac');
  await file.write(Buffer.from('x'), 2);
  await file.read(0, 3);
  expect(effects).toEqual(['flipped bit']);
  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('acb');
});

test('a write that goes somewhere else is reported as done', async () => {
  const disk = await diskWithFile('abcdef');
  const file = await disk.open('/a');
  disk.fault = ({ name }) => (name === 'write' ? { shiftedBytes: 2 } : undefined);
  await file.write(Buffer.from('X'), 1);
  expect(disk.contentOf('/a').toString()).toBe('abcXef');
});

test('an operation ends when whoever completes it says so, and a sync is worth nothing before', async () => {
  const disk = await diskWithFile('old');
  const ends: (() => void)[] = [];
  const effects: string[] = [];
  disk.onEffect = (kind) => effects.push(kind);
  const file = await disk.open('/a');
  await file.write(Buffer.from('new'), 0);
  disk.complete = (end, delayMs) => void (delayMs < 1_000 && ends.push(end));
  disk.delayMs = ({ name }) => (name === 'sync' ? 50 : 0);
  const synced = file.sync();
  const late = file.write(Buffer.from('N'), 0);

  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('old');
  for (const end of ends.splice(0)) end();
  await Promise.all([synced, late]);
  expect(disk.afterPowerCut('nothing').contentOf('/a').toString()).toBe('new');
  expect(disk.contentOf('/a').toString()).toBe('New');

  disk.delayMs = () => Number.POSITIVE_INFINITY;
  void file.sync();
  expect([ends.length, effects]).toEqual([0, ['sync: slow', 'sync: hung']]);
});

test('what a power cut took, tore and kept is told', async () => {
  const disk = await diskWithFile('a'.repeat(2_048));
  const file = await disk.open('/a');
  await file.write(Buffer.from('b'.repeat(512)), 0);
  await disk.rename('/a', '/b');
  await file.write(Buffer.from('c'.repeat(1_024)), 1_024);
  const effects: string[] = [];
  disk.onEffect = (kind) => effects.push(kind);
  disk.powerCut('last torn');
  expect(effects.sort()).toEqual(['unsynced write kept', 'write torn']);
});
