import { afterEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { InvariantError } from '../base/assert.js';
import { ClosedError } from '../base/errors.js';
import { Machine } from '../machine/machine.js';
import { put } from '../txn.js';
import { readInstalledPosition, writeInstalledPosition } from './installed-position.js';
import { inspectSnapshot, readSnapshot } from './read-snapshot.js';
import { CHUNK_BYTES, takeSnapshot } from './take-snapshot.js';
import {
  BACKENDS,
  collect,
  CONFIGURATION,
  dump,
  inChunks,
  MEMBERS,
  openBackend,
  SETTINGS,
  smallState,
  stateOver,
  tidy,
} from './testing/states.js';

afterEach(tidy);

describe.each(BACKENDS)('a snapshot of a backend of kind %s', (kind) => {
  test.each(BACKENDS)('fills another, of kind %s, with the same', async (otherKind) => {
    const { backend, machine } = smallState(await openBackend(kind));
    const other = await openBackend(otherKind);
    const snapshot = takeSnapshot(backend);

    const facts = await readSnapshot(snapshot.chunks(), { backend: other });
    snapshot.close();

    expect(dump(other)).toEqual(dump(backend));
    expect(facts).toMatchObject({
      position: { index: 6, term: 3, configuration: CONFIGURATION },
      hash: machine.appliedHash,
      revision: 4,
      recordCount: dump(backend).length,
    });
    const again = Machine.open(other, SETTINGS);
    expect(again).toMatchObject({ appliedIndex: 6, appliedTerm: 3, appliedHash: machine.appliedHash });
    expect(again.membership.members).toEqual(MEMBERS);
  });

  test('is of one point in time, whatever is written while it is read', async () => {
    const backend = await openBackend(kind);
    const { machine, configure, fill, apply } = stateOver(backend);
    configure();
    fill(300, 700);
    await backend.flush();
    fill(100, 700, 'y');
    const expected = dump(backend);
    const { appliedIndex, appliedHash } = machine;

    const snapshot = takeSnapshot(backend);
    const other = openMemoryBackend();
    const facts = await readSnapshot(meanwhile(snapshot.chunks()), { backend: other });

    expect(dump(other)).toEqual(expected);
    expect(facts).toMatchObject({ position: { index: appliedIndex }, hash: appliedHash });
    expect(machine.appliedIndex).toBeGreaterThan(appliedIndex + 5);
    snapshot.close();

    /** Between two chunks keys are overwritten and deleted, history compacted and freed, the engine flushed. */
    async function* meanwhile(chunks: AsyncIterable<Uint8Array>) {
      let turn = 0;
      for await (const chunk of chunks) {
        apply(put(`key ${turn}`, 'z'));
        apply({ type: 'delete', key: Buffer.from(`key ${turn + 50}`) });
        apply({ type: 'compact', revision: machine.keyspace.revision });
        machine.scrub(50);
        if (turn % 2 === 0) await backend.flush();
        turn += 1;
        yield chunk;
      }
    }
  });

  test('gives the same bytes each time, in chunks of at most 64 KiB', async () => {
    const { backend, configure, fill } = stateOver(await openBackend(kind));
    configure();
    fill(10, 100_000);
    fill(200, 1_000);
    const snapshot = takeSnapshot(backend);
    const lengths: number[] = [];
    for await (const chunk of snapshot.chunks()) lengths.push(chunk.length);
    const [first, second] = [await collect(snapshot.chunks()), await collect(snapshot.chunks())];

    expect(second.equals(first)).toBe(true);
    expect(Math.max(...lengths)).toBe(CHUNK_BYTES);
    expect(lengths.slice(0, -2).every((length) => length === CHUNK_BYTES)).toBe(true);
    const other = openMemoryBackend();
    await readSnapshot(inChunks(first), { backend: other });
    expect(dump(other)).toEqual(dump(backend));
    snapshot.close();
  });

  test('that is closed gives nothing more; closing it again does nothing', async () => {
    const { backend, configure, fill } = stateOver(await openBackend(kind));
    configure();
    fill(10, 100_000);
    const snapshot = takeSnapshot(backend);
    const chunks = snapshot.chunks()[Symbol.asyncIterator]();
    await chunks.next();
    snapshot.close();
    snapshot.close();
    await expect(collect({ [Symbol.asyncIterator]: () => chunks })).rejects.toThrow(ClosedError);
    await expect(collect(snapshot.chunks())).rejects.toThrow(ClosedError);
  });
});

test('between two chunks the event loop goes round', async () => {
  const { backend, configure, fill } = stateOver(openMemoryBackend());
  configure();
  fill(20, CHUNK_BYTES);
  let rounds = 0;
  const round = () => {
    rounds += 1;
    turn = setImmediate(round);
  };
  let turn = setImmediate(round);
  let chunks = 0;
  for await (const chunk of takeSnapshot(backend).chunks()) chunks += chunk.length > 0 ? 1 : 0;
  clearImmediate(turn);
  expect(chunks).toBeGreaterThan(20);
  expect(rounds).toBeGreaterThanOrEqual(chunks - 3);
});

test('nothing was applied, nothing to take', () => {
  expect(() => takeSnapshot(openMemoryBackend())).toThrow(InvariantError);
});

test('a key, a value and a state of every length come through', async () => {
  for (const valueBytes of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]) {
    const { backend, configure, fill } = stateOver(openMemoryBackend());
    configure();
    fill(3, valueBytes);
    const other = openMemoryBackend();
    await readSnapshot(takeSnapshot(backend).chunks(), { backend: other });
    expect(dump(other)).toEqual(dump(backend));
  }
});

test.each([Number.NaN, -1, 0.5, 2 ** 60])('an installed position of %s is damage, and not believed', (index) => {
  const backend = openMemoryBackend();
  backend.write((batch) => writeInstalledPosition(batch, { index, term: 1 }));

  expect(() => readInstalledPosition(backend)).toThrow(InvariantError);
});

test('the position of an installed snapshot stays with the member that installed it', async () => {
  const { backend } = smallState();
  const before = await collect(takeSnapshot(backend).chunks());
  backend.write((batch) => writeInstalledPosition(batch, { index: 5, term: 2 ** 40 }));
  expect(readInstalledPosition(backend)).toEqual({ index: 5, term: 2 ** 40 });

  const other = openMemoryBackend();
  const bytes = await collect(takeSnapshot(backend).chunks());
  await readSnapshot(inChunks(bytes), { backend: other });

  expect(bytes.equals(before)).toBe(true);
  expect(readInstalledPosition(other)).toBeUndefined();
});

test('a snapshot can be looked at without keeping it', async () => {
  const { backend, machine } = smallState();
  const bytes = await collect(takeSnapshot(backend).chunks());
  expect(await inspectSnapshot(inChunks(bytes, 10, 100))).toEqual({
    position: { index: 6, term: 3, configuration: CONFIGURATION },
    hash: machine.appliedHash,
    revision: 4,
    recordCount: dump(backend).length,
    sizeBytes: bytes.length,
    checksum: new Uint8Array(bytes.subarray(-32)),
    members: MEMBERS,
  });
});

test('what the backend fails with is passed on', async () => {
  const { backend } = smallState();
  const closed = openMemoryBackend();
  await closed.close();
  await expect(readSnapshot(takeSnapshot(backend).chunks(), { backend: closed })).rejects.toThrow(ClosedError);
});
