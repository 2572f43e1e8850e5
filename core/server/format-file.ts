/** The file FORMAT of a data folder: the version of its layout, and who lives there. */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { asBuffer } from '../base/bytes.js';
import { DataDirError } from '../base/errors.js';
import type { Identity } from '../member/identity.js';
import type { Disk } from '../wal/disk.js';
import { renameDurably } from './folders.js';

/** The version that this program writes, and the only one that it reads. */
const FORMAT_VERSION = 2;

/**
 * Who lives in a folder; `undefined` if nobody does yet.
 *
 * @throws {@link DataDirError} if the file is not as this program wrote it
 */
export async function readFormat(disk: Disk, path: string): Promise<Identity | undefined> {
  const text = await textOf(disk, join(path, 'FORMAT'));
  if (text === undefined) return undefined;
  const [, format] = /^(\d+)\n/.exec(text) ?? [];
  checkVersion(path, Number(format));
  const [clusterId, memberId, incarnation] = ['cluster', 'member', 'incarnation'].map((name) => idIn(text, name)) as [
    bigint,
    bigint,
    bigint,
  ];
  const identity = { clusterId, memberId, incarnation };
  if (text === formatText(identity)) return identity;
  throw new DataDirError('DATA_DIR_UNREADABLE', path, 'FORMAT is not as this program wrote it; restore that file');
}

/** Writes it in place of one that is there, durably and at once: a crash leaves the one or the other. */
export async function writeFormat(disk: Disk, path: string, identity: Identity): Promise<void> {
  const [temporary, final] = [join(path, 'FORMAT.new'), join(path, 'FORMAT')];
  const file = await disk.create(temporary);
  try {
    await file.write(Buffer.from(formatText(identity)), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await renameDurably(disk, temporary, final);
}

function checkVersion(path: string, version: number): void {
  if (version > FORMAT_VERSION) {
    const why = `it has format ${version}, and this version of Conclave reads up to ${FORMAT_VERSION}`;
    throw new DataDirError('DATA_DIR_NEWER_FORMAT', path, why);
  }
  if (version === 1) {
    const why =
      'an earlier development version of Conclave wrote it, which knew no clusters and whose data cannot be taken over; begin with an empty folder';
    throw new DataDirError('DATA_DIR_UNREADABLE', path, why);
  }
}

function formatText({ clusterId, memberId, incarnation }: Identity): string {
  const ids = `cluster ${hexadecimal(clusterId)}\nmember ${hexadecimal(memberId)}\nincarnation ${hexadecimal(incarnation)}`;
  const facts = `${FORMAT_VERSION}\n${ids}\n`;
  return `${facts}crc32 ${crc32(facts).toString(16).padStart(8, '0')}\n`;
}

function hexadecimal(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

function idIn(text: string, name: string): bigint {
  const [, hex] = new RegExp(`\\n${name} ([0-9a-f]{16})\\n`).exec(text) ?? [];
  return BigInt(`0x${hex ?? 0}`);
}

async function textOf(disk: Disk, path: string): Promise<string | undefined> {
  if (!(await disk.exists(path))) return undefined;
  const file = await disk.open(path, 'read');
  try {
    return asBuffer(await file.read(0, await file.sizeBytes())).toString();
  } finally {
    await file.close();
  }
}
