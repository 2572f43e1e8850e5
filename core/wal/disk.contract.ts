import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Disk } from './disk.js';

/** A disk under test, and an empty directory on it. */
export interface DiskFixture {
  readonly disk: Disk;
  readonly path: string;
  remove(): Promise<void>;
}

/** What the log relies on, whatever disk it is. */
export function diskContract(name: string, open: () => Promise<DiskFixture>): void {
  describe(name, () => {
    let fixture: DiskFixture;
    beforeEach(async () => {
      fixture = await open();
    });
    afterEach(() => fixture.remove());

    const bytes = (text: string) => Buffer.from(text, 'latin1');
    const content = async (path: string) => {
      const file = await fixture.disk.open(path);
      const read = await file.read(0, await file.sizeBytes());
      await file.close();
      return Buffer.from(read).toString('latin1');
    };
    const make = async (path: string, text: string) => {
      const file = await fixture.disk.create(path);
      await file.write(bytes(text), 0);
      await file.close();
    };

    test('what is written is read back, also after it was closed', async () => {
      const { disk, path } = fixture;
      const file = await disk.create(`${path}/a`);
      await file.write(bytes('hello world'), 0);
      await file.write(bytes('W'), 6);
      await file.sync();
      expect(Buffer.from(await file.read(4, 3)).toString()).toBe('o W');
      await file.close();
      expect(await content(`${path}/a`)).toBe('hello World');
    });

    test('a read past the end gives what there is', async () => {
      const { disk, path } = fixture;
      const file = await disk.create(`${path}/a`);
      await file.write(bytes('abc'), 0);
      expect(await file.sizeBytes()).toBe(3);
      expect((await file.read(1, 10)).length).toBe(2);
      expect((await file.read(3, 10)).length).toBe(0);
      await file.close();
    });

    test('a write past the end leaves zeros before it', async () => {
      const { disk, path } = fixture;
      const file = await disk.create(`${path}/a`);
      await file.write(bytes('x'), 3);
      await file.close();
      expect(await content(`${path}/a`)).toBe('\0\0\0x');
    });

    test('creating a file empties the one of that name', async () => {
      const { disk, path } = fixture;
      await make(`${path}/a`, 'old');
      await (await disk.create(`${path}/a`)).close();
      expect(await content(`${path}/a`)).toBe('');
    });

    test('a renamed file takes the place of the one that had the name, and stays open', async () => {
      const { disk, path } = fixture;
      await make(`${path}/b`, 'old');
      const file = await disk.create(`${path}/a`);
      await disk.rename(`${path}/a`, `${path}/b`);
      await file.write(bytes('new'), 0);
      await file.close();
      await disk.syncDirectory(path);
      expect(await disk.list(path)).toEqual(['b']);
      expect(await content(`${path}/b`)).toBe('new');
    });

    test('a removed file is not listed and cannot be opened', async () => {
      const { disk, path } = fixture;
      await make(`${path}/a`, 'x');
      await disk.remove(`${path}/a`);
      expect(await disk.list(path)).toEqual([]);
      await expect(disk.open(`${path}/a`)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.remove(`${path}/a`)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('making a directory that exists changes nothing', async () => {
      const { disk, path } = fixture;
      await disk.makeDirectory(`${path}/d`);
      await make(`${path}/d/a`, 'x');
      await disk.makeDirectory(`${path}/d`);
      expect(await disk.list(`${path}/d`)).toEqual(['a']);
      expect(await disk.list(path)).toEqual(['d']);
    });

    test('a directory that is not there cannot be listed, synced, or made something in', async () => {
      const { disk, path } = fixture;
      await expect(disk.list(`${path}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.syncDirectory(`${path}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.create(`${path}/none/a`)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(disk.makeDirectory(`${path}/none/d`)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('a name exists from when it is made until it is removed', async () => {
      const { disk, path } = fixture;
      expect(await disk.exists(`${path}/a`)).toBe(false);
      await make(`${path}/a`, 'x');
      expect([await disk.exists(`${path}/a`), await disk.exists(path)]).toEqual([true, true]);
      await disk.remove(`${path}/a`);
      expect(await disk.exists(`${path}/a`)).toBe(false);
      expect(await disk.exists(`${path}/none/a`)).toBe(false);
    });

    test('a file is opened to be read alone', async () => {
      const { disk, path } = fixture;
      await make(`${path}/a`, 'abc');
      const file = await disk.open(`${path}/a`, 'read');
      expect(Buffer.from(await file.read(0, 3)).toString()).toBe('abc');
      await file.close();
      await expect(disk.open(`${path}/b`, 'read')).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('a renamed directory keeps what is in it', async () => {
      const { disk, path } = fixture;
      await disk.makeDirectory(`${path}/d`);
      await make(`${path}/d/a`, 'x');
      await disk.rename(`${path}/d`, `${path}/e`);
      expect(await disk.list(path)).toEqual(['e']);
      expect(await content(`${path}/e/a`)).toBe('x');
      await expect(disk.rename(`${path}/d`, `${path}/f`)).rejects.toMatchObject({ code: 'ENOENT' });
    });

    test('a directory does not take the place of one that is not empty', async () => {
      const { disk, path } = fixture;
      await disk.makeDirectory(`${path}/d`);
      await disk.makeDirectory(`${path}/e`);
      await make(`${path}/e/a`, 'x');
      await expect(disk.rename(`${path}/d`, `${path}/e`)).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    });

    test('a tree is removed with all that is in it; what is not there is no obstacle', async () => {
      const { disk, path } = fixture;
      await disk.makeDirectory(`${path}/d`);
      await disk.makeDirectory(`${path}/d/e`);
      await make(`${path}/d/e/a`, 'x');
      await make(`${path}/b`, 'x');
      await disk.removeTree(`${path}/d`);
      await disk.removeTree(`${path}/b`);
      await disk.removeTree(`${path}/none`);
      expect(await disk.list(path)).toEqual([]);
    });
  });
}
