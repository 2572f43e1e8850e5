import { expect, test } from '@jest/globals';
import { VirtualDisk } from '../simulation/disk/virtual-disk.js';
import { holdSyncs } from './hold.js';
import { turns } from './turns.js';

/** Two files, one in each of two folders, and which syncs of theirs have ended. */
async function setUp() {
  const disk = new VirtualDisk();
  const ends: string[] = [];
  const writeIn = async (folder: string) => {
    await disk.makeDirectory(folder);
    await disk.syncDirectory('/');
    const file = await disk.create(`${folder}/file`);
    await disk.syncDirectory(folder);
    await file.write(Buffer.from('new'), 0);
    return () => file.sync().then(() => ends.push(folder));
  };
  return { disk, ends, syncs: [await writeIn('/db'), await writeIn('/dbx')] };
}

function kept(disk: VirtualDisk, folder: string): string {
  return disk.afterPowerCut('nothing').contentOf(`${folder}/file`).toString();
}

test('syncs of a folder that are held back end when they are let go, and make durable only then', async () => {
  const { disk, ends, syncs } = await setUp();
  const letGo = holdSyncs(disk, '/db', () => false);
  for (const sync of syncs) void sync();
  await turns(1);
  expect([ends, kept(disk, '/db'), kept(disk, '/dbx')]).toEqual([['/dbx'], '', 'new']);

  letGo();
  await turns(1);

  expect([ends, kept(disk, '/db')]).toEqual([['/dbx', '/db'], 'new']);
});

test('a sync that is held back when its process ends never ends', async () => {
  const { disk, ends, syncs } = await setUp();
  let isOver = false;
  const letGo = holdSyncs(disk, '/db', () => isOver);
  void syncs[0]?.();
  isOver = true;

  letGo();
  await turns(1);

  expect([ends, kept(disk, '/db')]).toEqual([[], '']);
});
