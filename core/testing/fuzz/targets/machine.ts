import { openMemoryBackend } from '../../../backend/memory-backend.js';
import { InvariantError } from '../../../base/assert.js';
import { encodeCommand } from '../../../machine/codec.js';
import { Machine } from '../../../machine/machine.js';
import type { LogEntry } from '../../../machine/types.js';
import { dump, SETTINGS } from '../../../snapshot/testing/states.js';
import { assertSame, refusedOr } from '../codec-target.js';
import { packParts, unpackParts } from '../draw/packed.js';
import { drawStateCommand } from '../draw/state-commands.js';
import type { FuzzTarget } from '../target.js';

function entriesIn(input: Buffer): readonly LogEntry[] {
  return unpackParts(input).map(({ bytes }, at) => ({ index: at + 1, term: 1, data: bytes }));
}

/** Applies entries in groups of this size, and tells what is left: the hash, and every record. */
function applied(entries: readonly LogEntry[], groupSize: number): readonly unknown[] {
  const backend = openMemoryBackend();
  const machine = Machine.open(backend, SETTINGS);
  for (let from = 0; from < entries.length; from += groupSize) machine.applyAll(entries.slice(from, from + groupSize));
  // What was written can be opened again.
  const again = Machine.open(backend, SETTINGS);
  assertSame(again.keyspace.revision, machine.keyspace.revision, 'a state that is opened again has the same revision');
  assertSame([...again.lessor.ids()].sort(), [...machine.lessor.ids()].sort(), 'and the same leases');
  return [machine.appliedHash, dump(backend)];
}

/** Entries of the log, applied: whatever command can be read, it is carried out or refused, on every member alike. */
export const machine: FuzzTarget = {
  name: 'machine',
  what: 'the entries of a log, applied by a state machine',
  inputsPerSecond: 1_000,
  allocatedBytesMax: (inputBytes) => 16 * 1024 * 1024 + 1_024 * inputBytes,
  draw: (chance) => {
    const commands = chance.list(40, () => ({ kind: 0, bytes: encodeCommand(drawStateCommand(chance)) }));
    return { input: packParts(commands) };
  },
  judge: (input) => {
    const entries = entriesIn(input);
    const one = refusedOr(() => applied(entries, 1), [InvariantError]);
    const all = refusedOr(() => applied(entries, Math.max(1, entries.length)), [InvariantError]);
    assertSame(all?.value, one?.value, 'how entries are grouped makes no difference');
    return one === undefined ? 'refused' : 'read';
  },
};
