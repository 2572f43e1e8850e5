import { DataDirError } from '../../../base/errors.js';
import type { Identity } from '../../../member/identity.js';
import { readFormat, writeFormat } from '../../../server/format-file.js';
import { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { assertRefusal, assertSame } from '../codec-target.js';
import { Finding, type FuzzTarget } from '../target.js';

const FOLDER = '/data';
const FILE = `${FOLDER}/FORMAT`;

async function folder(content?: Uint8Array): Promise<VirtualDisk> {
  const disk = new VirtualDisk();
  await disk.makeDirectory(FOLDER);
  if (content !== undefined) disk.alter(FILE, content);
  return disk;
}

async function written(identity: Identity): Promise<Buffer> {
  const disk = await folder();
  await writeFormat(disk, FOLDER, identity);
  return disk.contentOf(FILE);
}

/** The file that says who lives in a data folder. It has a checksum: it is read as it was written, or not at all. */
export const formatFile: FuzzTarget = {
  name: 'format-file',
  what: 'who lives in a data folder',
  draw: async (chance) => {
    const identity = { clusterId: chance.id(), memberId: chance.id(), incarnation: chance.id() };
    const input = await written(identity);
    return {
      input,
      check: async () =>
        assertSame(await readFormat(await folder(input), FOLDER), identity, 'who lives there is read back'),
    };
  },
  judge: async (input) => {
    let identity: Identity | undefined;
    try {
      identity = await readFormat(await folder(input), FOLDER);
    } catch (error) {
      assertRefusal(error, [DataDirError]);
      return 'refused';
    }
    if (identity === undefined) throw new Finding('a file is there, and nobody lives there');
    assertSame(await written(identity), input, 'a file that is accepted is byte for byte as it would be written');
    return 'read';
  },
};
