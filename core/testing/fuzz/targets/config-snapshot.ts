import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../../base/logger.js';
import type { Release } from '../../../../recipes/config/release.js';
import { type Snapshot, SnapshotFile } from '../../../../recipes/config/snapshot-file.js';
import type { Chance } from '../chance.js';
import { assertSame } from '../codec-target.js';
import { drawUtf8 } from '../draw/commands.js';
import type { FuzzTarget } from '../target.js';

const CONFIG = 'conclave/cfg/settings/current';
const NEWEST: Snapshot = {
  release: { release: 7, document: 'newest', author: 'a', since: '', publicationId: 'p' },
  revision: Number.MAX_SAFE_INTEGER,
};

let folder: string | undefined;

function fileIn(path = join((folder ??= mkdtempSync(join(tmpdir(), 'fuzz-config-'))), 'release.json')) {
  return { path, file: new SnapshotFile(path, CONFIG, silentLogger) };
}

async function saved(snapshot: Snapshot): Promise<Buffer> {
  const { path, file } = fileIn();
  rmSync(path, { force: true });
  file.save(snapshot);
  await file.settled();
  return readFile(path);
}

async function loaded(input: Buffer): Promise<Snapshot | undefined> {
  const { path, file } = fileIn();
  await writeFile(path, input);
  return file.load();
}

function drawSnapshot(chance: Chance): Snapshot {
  const document = Object.fromEntries(chance.list(5, () => [`k${chance.between(0, 9)}`, drawDocument(chance)]));
  const release: Release = {
    release: chance.between(1, 1_000),
    document,
    author: drawUtf8(chance),
    since: '2026-11-21T00:00:00.000Z',
    publicationId: drawUtf8(chance),
    ...(chance.oneIn(3) && { comment: drawUtf8(chance) }),
    ...(chance.oneIn(3) && { rollbackOf: chance.between(1, 9) }),
  };
  return { release, revision: chance.between(1, 2 ** 31) };
}

function drawDocument(chance: Chance): unknown {
  return chance.pick([chance.integer(), drawUtf8(chance), null, chance.list(3, () => drawUtf8(chance))]);
}

function told({ release, revision }: Snapshot): Snapshot {
  return { release, revision };
}

/** The last good release on disk: whatever is in the file, a start goes on, and the next release takes its place. */
export const configSnapshot: FuzzTarget = {
  name: 'config-snapshot',
  what: 'the last release in a file, for a start without the store',
  inputsPerSecond: 40,
  // Reading a file allocates blocks of its own, and JSON whose lists are nested deeply an object for each.
  allocatedBytesMax: (bytes) => 8 * 2 ** 20 + 2_048 * bytes,
  draw: async (chance) => {
    const snapshot = drawSnapshot(chance);
    const input = await saved(snapshot);
    const isAsSaved = async (bytes: Buffer) => {
      const read = await loaded(bytes);
      return read && assertSame(told(read), snapshot, 'what is read is what was saved');
    };
    return { input, check: () => isAsSaved(input), damaged: isAsSaved };
  },
  seal: (input) => {
    const [, body] = input.toString('utf8').split('\n');
    if (body === undefined) return undefined;
    const sha256 = createHash('sha256').update(body).digest('hex');
    return Buffer.from(`${JSON.stringify({ sha256 })}\n${body}\n`);
  },
  judge: async (input) => {
    const read = await loaded(input);
    const { file } = fileIn();
    file.save(NEWEST);
    await file.settled();
    const isNewest = read !== undefined && read.revision >= NEWEST.revision;
    const after = await file.load();
    assertSame(after && told(after), isNewest ? told(read) : NEWEST, 'a newer release takes the place of an older one');
    return read === undefined ? 'refused' : 'read';
  },
  close: async () => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  },
};
