import type { VirtualDisk } from '../../simulation/disk/virtual-disk.js';

/** A file of a folder, by its name there. */
export interface NamedFile {
  readonly name: string;
  readonly content: Buffer;
}

const NAME_LENGTH_BYTES = 1;
const CONTENT_LENGTH_BYTES = 4;

/** The files below a folder as one input. */
export function packed(disk: VirtualDisk, folder: string): Buffer {
  return packFiles(
    disk.files(folder).map(({ path }) => ({ name: path.slice(folder.length + 1), content: disk.contentOf(path) })),
  );
}

/** Files as one input, each after its name and its length. */
export function packFiles(named: readonly NamedFile[]): Buffer {
  const files = named.map(({ name: text, content }) => {
    const name = Buffer.from(text, 'latin1');
    const length = Buffer.alloc(CONTENT_LENGTH_BYTES);
    length.writeUInt32LE(content.length);
    return Buffer.concat([Buffer.of(name.length), name, length, content]);
  });
  return Buffer.concat(files);
}

/** The files in an input, as far as it makes sense; names that are no file's are left out. */
export function unpacked(input: Buffer): readonly NamedFile[] {
  const files: NamedFile[] = [];
  for (let at = 0; at < input.length;) {
    const nameAt = at + NAME_LENGTH_BYTES;
    const contentAt = nameAt + (input[at] as number) + CONTENT_LENGTH_BYTES;
    if (contentAt > input.length) break;
    const name = input.toString('latin1', nameAt, contentAt - CONTENT_LENGTH_BYTES);
    const end = contentAt + input.readUInt32LE(contentAt - CONTENT_LENGTH_BYTES);
    if (/^[^/\0.][^/\0]*$/.test(name))
      files.push({ name, content: input.subarray(contentAt, Math.min(end, input.length)) });
    at = end;
  }
  return files;
}
