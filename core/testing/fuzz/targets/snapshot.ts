import { createHash } from 'node:crypto';
import { openMemoryBackend } from '../../../backend/memory-backend.js';
import { SnapshotDamagedError, SnapshotNewerError } from '../../../base/errors.js';
import { CHECKSUM_BYTES } from '../../../snapshot/format.js';
import { inspectSnapshot, readSnapshot } from '../../../snapshot/read-snapshot.js';
import { takeSnapshot } from '../../../snapshot/take-snapshot.js';
import { collect, dump, inChunks, smallState } from '../../../snapshot/testing/states.js';
import { Chance } from '../chance.js';
import { assertRefusal, assertSame } from '../codec-target.js';
import { drawStateCommand } from '../draw/state-commands.js';
import { Finding, type FuzzTarget } from '../target.js';

const REFUSALS = [SnapshotDamagedError, SnapshotNewerError];

/** States are dear to make, and a few of them are enough. */
const STATES = 32;
const snapshots = new Map<number, Promise<Snapshot>>();

interface Snapshot {
  readonly bytes: Buffer;
  readonly records: readonly string[];
}

function snapshotOf(number: number): Promise<Snapshot> {
  const known = snapshots.get(number) ?? make(Chance.of('state', 1, number));
  snapshots.set(number, known);
  return known;
}

async function make(chance: Chance): Promise<Snapshot> {
  const { backend, apply } = smallState();
  for (let left = chance.between(0, 60); left > 0; left -= 1) apply(drawStateCommand(chance));
  return { bytes: await collect(takeSnapshot(backend).chunks()), records: dump(backend) };
}

/** Reads a snapshot in chunks that end anywhere; undefined if it was refused. */
async function read(input: Buffer, chance: Chance, skipHashCheck: boolean): Promise<readonly string[] | undefined> {
  const backend = openMemoryBackend();
  const ends = chance.list(10, () => chance.between(0, input.length)).sort((a, b) => a - b);
  try {
    const { sizeBytes } = await readSnapshot(inChunks(input, ...ends), { backend }, { skipHashCheck });
    if (sizeBytes !== input.length) throw new Finding(`${sizeBytes} of ${input.length} bytes were read`);
    return dump(backend);
  } catch (error) {
    if (error instanceof Finding) throw error;
    assertRefusal(error, REFUSALS);
    return undefined;
  }
}

async function inspects(input: Buffer): Promise<boolean> {
  try {
    await inspectSnapshot(inChunks(input));
    return true;
  } catch (error) {
    assertRefusal(error, REFUSALS);
    return false;
  }
}

/** A snapshot: what a leader sends, what a backup holds. */
export const snapshot: FuzzTarget = {
  name: 'snapshot',
  what: 'a snapshot of the state, from a leader or a file',
  inputsPerSecond: 2_000,
  allocatedBytesMax: (inputBytes) => 8 * 1024 * 1024 + 256 * inputBytes,
  draw: async (chance) => {
    const { bytes, records } = await snapshotOf(chance.between(0, STATES - 1));
    return {
      input: bytes,
      check: async () => assertSame(await read(bytes, chance, false), records, 'a snapshot is read as it was taken'),
      damaged: async (damaged) => {
        if (damaged.equals(bytes)) return;
        const isRead = (await inspects(damaged)) || (await read(damaged, chance, false)) !== undefined;
        if (isRead) throw new Finding('a snapshot that was altered is read');
      },
    };
  },
  seal: (input) => {
    if (input.length < CHECKSUM_BYTES) return undefined;
    const content = input.subarray(0, input.length - CHECKSUM_BYTES);
    return Buffer.concat([content, createHash('sha256').update(content).digest()]);
  },
  judge: async (input, _origin, chance) => {
    const records = await read(input, chance, false);
    if (records !== undefined && !(await inspects(input))) throw new Finding('what is read is not what is inspected');
    const unchecked = await read(input, chance, true);
    if (records !== undefined) assertSame(unchecked, records, 'without its hash it is read as with it');
    return records === undefined ? 'refused' : 'read';
  },
};
