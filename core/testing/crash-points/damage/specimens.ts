import { basename } from 'node:path/posix';
import { silentLogger } from '../../../base/logger.js';
import type { SnapshotPosition } from '../../../raft/types.js';
import { readFormat } from '../../../server/format-file.js';
import { inspectSnapshot } from '../../../snapshot/read-snapshot.js';
import { Wal } from '../../../wal/wal.js';
import { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { DATA_DIR, Stage } from '../member/stage.js';

/** What becomes of reading something damaged: what was read, as text, or that it was refused. */
export type Reading = { readonly text: string } | { readonly refused: string };

/** Something on a disk that may be damaged. */
export interface Specimen {
  readonly name: string;
  readonly bytes: Buffer;
  /** Reads it with these bytes in its place. */
  read(bytes: Uint8Array): Promise<Reading>;
  /**
   * What may be read of damaged bytes beside what was there: the last write of a log cannot be told from one that a crash
   * tore, and is cut off.
   */
  readonly alsoAllowed: ReadonlySet<string>;
  /** What may be read of the beginning of the bytes alone. */
  readonly allowedCutOff: ReadonlySet<string>;
}

/** Errors that say what is wrong with a file. */
const REFUSALS = new Set([
  'LOG_DAMAGED',
  'SNAPSHOT_DAMAGED',
  'SNAPSHOT_NEWER_FORMAT',
  'DATA_DIR_UNREADABLE',
  'DATA_DIR_NEWER_FORMAT',
]);

const WAL = `${DATA_DIR}/wal`;
const FORMAT = `${DATA_DIR}/FORMAT`;

/** The files of a member that has run: its log in several segments, who it is, and a backup of it. */
export async function specimens(): Promise<readonly Specimen[]> {
  const stage = new Stage(new VirtualDisk(), 1);
  await stage.start();
  await stage.answer(stage.store.grantLease('60s', { id: 7n }));
  const earlier: string[] = [];
  for (let i = 0; i < 36; i += 1) {
    earlier.push(textOf(await readLog(stage.disk.afterKill())));
    await stage.put(`k${i % 5}`, `${i}`.repeat(30), i === 9 ? { lease: 7n } : {});
  }
  const disk = stage.disk.afterKill();
  const backup = Buffer.concat(await chunksOf(stage.running.member.snapshot().chunks()));
  return [...logsOf(disk, earlier), formatOf(disk), snapshotOf(backup)];
}

function logsOf(disk: VirtualDisk, earlier: readonly string[]): readonly Specimen[] {
  const files = disk.files(WAL);
  return files.map(({ path }, number): Specimen => {
    const isLast = number === files.length - 1;
    return {
      name: `segment ${number + 1} of ${files.length}`,
      bytes: disk.contentOf(path),
      read: (bytes) => readLog(altered(disk, path, bytes)),
      alsoAllowed: new Set(isLast ? earlier.slice(-1) : []),
      allowedCutOff: new Set(isLast ? earlier : []),
    };
  });
}

function formatOf(disk: VirtualDisk): Specimen {
  return {
    name: basename(FORMAT),
    bytes: disk.contentOf(FORMAT),
    read: (bytes) =>
      reading(async () => {
        const identity = await readFormat(altered(disk, FORMAT, bytes), DATA_DIR);
        return JSON.stringify(Object.values(identity ?? {}).map(String));
      }),
    alsoAllowed: new Set(),
    allowedCutOff: new Set(),
  };
}

function snapshotOf(backup: Buffer): Specimen {
  return {
    name: 'a snapshot',
    bytes: backup,
    read: (bytes) =>
      reading(async () => {
        const { position, revision, recordCount } = await inspectSnapshot(oneChunk(bytes));
        return JSON.stringify({ ...shown(position), revision, recordCount });
      }),
    alsoAllowed: new Set(),
    allowedCutOff: new Set(),
  };
}

function readLog(disk: VirtualDisk): Promise<Reading> {
  return reading(async () => {
    const options = { disk, path: WAL, segmentBytes: 2_048, logger: silentLogger, newLogId: () => 1n };
    const { hardState, firstIndex, entries } = await Wal.open(options);
    const lines = entries.map(
      ({ index, term, kind, data }) => `${index}@${term} ${kind} ${Buffer.from(data).toString('hex')}`,
    );
    return [`${hardState.term} ${hardState.votedFor} ${hardState.commitIndex} ${firstIndex}`, ...lines].join('\n');
  });
}

/** @throws what is no refusal */
async function reading(read: () => Promise<string>): Promise<Reading> {
  try {
    return { text: await read() };
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined || !REFUSALS.has(code)) throw error;
    return { refused: code };
  }
}

function textOf(read: Reading): string {
  return 'text' in read ? read.text : read.refused;
}

function altered(disk: VirtualDisk, path: string, bytes: Uint8Array): VirtualDisk {
  const copy = disk.afterPowerCut('everything');
  copy.alter(path, bytes);
  return copy;
}

async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function chunksOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return all;
}

function shown({ index, term, configuration }: SnapshotPosition): object {
  return { index, term, voters: configuration.voters.map(String), learners: configuration.learners.map(String) };
}
