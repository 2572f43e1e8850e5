import { dirname } from 'node:path';
import { asBuffer } from '../base/bytes.js';
import { LogDamagedError } from '../base/errors.js';
import { INITIAL_HARD_STATE } from '../raft/types.js';
import { beginLogAnew, isOvertaken, type LogPosition, rejectMissing } from './begin-anew.js';
import type { DiskFile } from './disk.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { type LogState, readHeader, Replay, type SegmentBytes, segmentNames, type Tail } from './replay.js';
import { ActiveSegment, type Place, removeSegments, type SealedSegment } from './segment.js';
import { isUnfinished } from './segment-header.js';

/** What a torn write left at the end of the log, which was cut off: nobody had been told that it was durable. */
export interface Dropped {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** The log as it was found, its end ready to be written to. */
export interface Recovered {
  readonly state: LogState;
  readonly sealed: readonly SealedSegment[];
  readonly active: ActiveSegment;
  readonly dropped?: Dropped;
}

/** What is known, from elsewhere, of what the log must hold. */
export interface Known {
  /** The last entry that was durable; 0 if none is known. */
  readonly durableIndex: number;
  /** Its term, where that is known. */
  readonly durableTerm: number | undefined;
  /** The last entry that the snapshot holds which was installed last. */
  readonly snapshot?: LogPosition | undefined;
}

/**
 * Reads the log back, or begins one.
 *
 * All that it returns is durable. What it read may come from the system's memory, for the process that wrote it may have
 * ended, or failed, between its write and its sync; so the last group, the only one of which that can be true, is written
 * and synced once more, and so are the directory's names (Rebello et al. 2020, "Can applications recover from fsync
 * failures?").
 *
 * @param newLogId - draws the identity of the log, if one is begun
 */
export async function recover(place: Place, newLogId: () => bigint, known: Known): Promise<Recovered> {
  const { disk, path } = place;
  await disk.makeDirectory(path);
  await disk.syncDirectory(dirname(path));
  const names = await disk.list(path);
  for (const name of names.filter(isUnfinished)) await disk.remove(`${path}/${name}`);
  await disk.syncDirectory(path);
  const segments = segmentNames(names);
  if (segments.length > 0) return readLog(place, segments, known);
  const durableIndex = Math.max(known.durableIndex, known.snapshot?.index ?? 0);
  if (durableIndex > 0) throw new LogDamagedError(path, 0, `there is no log, but entry ${durableIndex} was durable`);
  return begin(place, newLogId());
}

async function begin(place: Place, logId: bigint): Promise<Recovered> {
  const start = { logId, firstIndex: 1, previousTerm: 0, hardState: INITIAL_HARD_STATE };
  const header = { ...start, sequence: 1, firstGroup: 1, link: 0, beginsAnew: false };
  const { segment, link } = await ActiveSegment.create(place, header);
  const state = { ...start, lastIndex: 0, lastTerm: 0, nextSegment: 2, nextGroup: 1, link, entries: [] };
  return { state, sealed: [], active: segment };
}

async function readLog(place: Place, names: readonly string[], known: Known): Promise<Recovered> {
  const start = await findStart(place, names);
  const recovered = await readSegments(place, names.slice(start), known);
  await removeSegments(
    place,
    names.slice(0, start).map((name) => `${place.path}/${name}`),
  );
  if (!isOvertaken(recovered.state, known.snapshot)) return recovered;
  return beginAnew(place, recovered, known.snapshot);
}

/** Where among the segments the log begins: at the last one with which it was begun anew, if there is one. */
async function findStart({ disk, path }: Place, names: readonly string[]): Promise<number> {
  for (let at = names.length - 1; at > 0; at -= 1) {
    const name = names[at] as string;
    const file = await disk.open(`${path}/${name}`);
    try {
      const bytes = asBuffer(await file.read(0, SEGMENT_HEADER_BYTES));
      if (readHeader({ path: `${path}/${name}`, name, bytes }).header.beginsAnew) return at;
    } finally {
      await file.close();
    }
  }
  return 0;
}

async function readSegments(place: Place, names: readonly string[], known: Known): Promise<Recovered> {
  let replay: Replay | undefined;
  const sealed: SealedSegment[] = [];
  for (const name of names.slice(0, -1)) {
    const { file, segment } = await read(place, name, { isLast: false });
    await file.close();
    const { header } = readHeader(segment);
    replay ??= new Replay(header);
    replay.readSegment(segment);
    sealed.push({ path: segment.path, firstIndex: header.firstIndex });
  }
  return { ...(await readLast(place, names.at(-1) as string, known, replay)), sealed };
}

async function readLast(
  place: Place,
  name: string,
  known: Known,
  earlier: Replay | undefined,
): Promise<Omit<Recovered, 'sealed'>> {
  const { file, segment } = await read(place, name, { isLast: true });
  try {
    const { header } = readHeader(segment);
    const replay = earlier ?? new Replay(header);
    const tail = replay.readSegment(segment);
    rejectMissing(replay.state, known, { file: segment.path, offset: tail.endOffset });
    await rewriteTail(file, segment.bytes, tail);
    const at = { file, sizeBytes: segment.bytes.length, endOffset: tail.endOffset };
    const active = new ActiveSegment(place, segment.path, header.firstIndex, at);
    if (tail.tornBytes === 0) return { state: replay.state, active };
    return {
      state: replay.state,
      active,
      dropped: { file: segment.path, offset: tail.endOffset, bytes: tail.tornBytes },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The log of a member that crashed after its state was replaced by a snapshot's, and before its log was. */
async function beginAnew(place: Place, recovered: Recovered, snapshot: LogPosition): Promise<Recovered> {
  const { sealed, active, state, ...rest } = recovered;
  await active.close();
  const begun = await beginLogAnew(place, state, snapshot);
  await removeSegments(
    place,
    [...sealed, active].map(({ path }) => path),
  );
  return { ...rest, sealed: [], ...begun };
}

async function read(
  { disk, path }: Place,
  name: string,
  { isLast }: { readonly isLast: boolean },
): Promise<{ readonly file: DiskFile; readonly segment: SegmentBytes }> {
  const filePath = `${path}/${name}`;
  const file = await disk.open(filePath);
  try {
    const bytes = asBuffer(await file.read(0, await file.sizeBytes()));
    return { file, segment: { path: filePath, name, bytes, isLast } };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Writes the last group again (the header, if there is none), and zeros over what a torn write left. */
async function rewriteTail(file: DiskFile, bytes: Buffer, tail: Tail): Promise<void> {
  const rewritten = Buffer.from(bytes.subarray(tail.lastGroupOffset, tail.endOffset + tail.tornBytes));
  rewritten.fill(0, tail.endOffset - tail.lastGroupOffset);
  await file.write(rewritten, tail.lastGroupOffset);
  await file.sync();
}
