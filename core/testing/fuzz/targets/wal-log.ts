import { isDeepStrictEqual } from 'node:util';
import { DataDirError, LogDamagedError } from '../../../base/errors.js';
import { silentLogger } from '../../../base/logger.js';
import { INITIAL_HARD_STATE } from '../../../raft/types.js';
import { type OpenedWal, Wal, type WalOptions } from '../../../wal/wal.js';
import { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import type { Chance } from '../chance.js';
import { assertRefusal, assertSame } from '../codec-target.js';
import { packed, packFiles, unpacked } from '../draw/files.js';
import { drawEntries } from '../draw/log.js';
import { sealSegment } from '../draw/seal-log.js';
import { Finding, type FuzzTarget } from '../target.js';

const FOLDER = '/log';
/** So small that a few groups make several segments. */
const SEGMENT_BYTES = 2_048;

/** What a log holds. */
type Held = Pick<OpenedWal, 'entries' | 'hardState'>;

/** What the log held after each of its groups, and its files. */
interface Written {
  readonly states: readonly Held[];
  readonly input: Buffer;
}

/** What the state machine knows of the log: the last entry that it has applied. */
type Known = Pick<WalOptions, 'durableIndex' | 'durableTerm'>;

function open(disk: VirtualDisk, known: Known = {}): Promise<OpenedWal> {
  const options = { disk, path: FOLDER, segmentBytes: SEGMENT_BYTES, logger: silentLogger, ...known };
  return Wal.open({ ...options, newLogId: () => 0xfeedn });
}

/** Appends some groups, which now and then overwrite what was not committed. */
async function write(chance: Chance): Promise<Written> {
  const disk = new VirtualDisk();
  const { wal } = await open(disk);
  let last: Held = { entries: [], hardState: INITIAL_HARD_STATE };
  const states = [last];
  for (let left = chance.between(0, 12); left > 0; left -= 1) {
    const { term, commitIndex } = last.hardState;
    const kept = chance.oneIn(4) ? chance.between(commitIndex, last.entries.length) : last.entries.length;
    const added = chance.oneIn(5) ? [] : drawEntries(chance, kept + 1, term + 1);
    const entries = added.length > 0 ? [...last.entries.slice(0, kept), ...added] : last.entries;
    const hardState = {
      term: Math.max(term, entries.at(-1)?.term ?? 0),
      votedFor: chance.id(),
      commitIndex: chance.between(commitIndex, entries.length),
    };
    await wal.append(hardState, added);
    last = { entries, hardState };
    states.push(last);
  }
  await wal.close();
  return { states, input: packed(disk, FOLDER) };
}

async function read(input: Buffer, known?: Known): Promise<Held & Pick<OpenedWal, 'firstIndex'>> {
  const disk = new VirtualDisk();
  await disk.makeDirectory(FOLDER);
  for (const { name, content } of unpacked(input)) disk.alter(`${FOLDER}/${name}`, content);
  const { wal, entries, hardState, firstIndex } = await open(disk, known);
  // What was opened can be gone on with, and is found again.
  const index = firstIndex + entries.length;
  const term = Math.max(hardState.term, entries.at(-1)?.term ?? 0);
  await wal.append({ ...hardState, term }, [{ index, term, data: Buffer.from('next') }]);
  await wal.close();
  const again = await open(disk);
  await again.wal.close();
  assertSame(again.entries.slice(0, -1), entries, 'a log that was opened is found again');
  return { entries, hardState, firstIndex };
}

/** A whole log, of several segments, opened as a member opens it at its start. */
export const walLog: FuzzTarget = {
  name: 'wal-log',
  what: 'the files of a log',
  inputsPerSecond: 500,
  // Segments are written ahead with zeros, and read as a whole.
  allocatedBytesMax: (inputBytes) => 8 * 1024 * 1024 + 256 * inputBytes,
  draw: async (chance) => {
    const { states, input } = await write(chance);
    const last = states.at(-1) as Held;
    const applied = last.entries[last.hardState.commitIndex - 1];
    const known = applied && { durableIndex: applied.index, durableTerm: applied.term };
    const asWritten = async (damaged: Buffer) => assertWasHeld(states, await read(damaged, known));
    return {
      input,
      check: async () => assertSame(heldBy(await read(input)), last, 'a log is read as it was written'),
      damaged: async (damaged) => {
        try {
          await asWritten(damaged);
        } catch (error) {
          if (error instanceof Finding) throw error;
          assertRefusal(error, [LogDamagedError, DataDirError]);
        }
      },
    };
  },
  seal: (input) => {
    const files = unpacked(input).map(({ name, content }) => ({ name, content: Buffer.from(content) }));
    let link = 0;
    for (const { content } of files) link = sealSegment(content, link);
    return packFiles(files);
  },
  judge: async (input) => {
    try {
      await read(input);
      return 'read';
    } catch (error) {
      if (error instanceof Finding) throw error;
      assertRefusal(error, [LogDamagedError, DataDirError]);
      return 'refused';
    }
  },
};

/**
 * What was damaged is as it was after some group: of the groups at its end nobody can know, if nothing in them is known to
 * be committed. Segments that are missing at its beginning may have been compacted: it is for the state to know.
 *
 * @throws {@link Finding}
 */
function assertWasHeld(states: readonly Held[], found: Held & Pick<OpenedWal, 'firstIndex'>): void {
  const { firstIndex } = found;
  const last = states.at(-1) as Held;
  const committedCount = Math.max(0, last.hardState.commitIndex + 1 - firstIndex);
  const committed = ({ entries }: Held, from: number) => entries.slice(from, from + committedCount);
  assertSame(
    committed(found, 0),
    committed(last, firstIndex - 1),
    'what was committed is read, or the log is said to be damaged',
  );
  const wasHeld = states.some(({ entries, hardState }) =>
    isDeepStrictEqual(heldBy(found), heldBy({ entries: entries.slice(firstIndex - 1), hardState })),
  );
  if (!wasHeld) throw new Finding('a log was read that nobody wrote');
}

/** With bytes as one kind of array. */
function heldBy({ entries, hardState }: Held): Held {
  return { hardState, entries: entries.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) })) };
}
