import { cp, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Backend } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toText } from '../base/bytes.js';
import { everything, key, prefix } from '../base/key-range.js';
import { silentLogger } from '../base/logger.js';
import { seededPrng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { encodeCommand } from '../machine/codec.js';
import { Machine } from '../machine/machine.js';
import { encodeMemberInfos } from '../machine/member-info.js';
import type { Command } from '../machine/types.js';
import { encodeConfiguration } from '../raft/configuration.js';
import { takeSnapshot } from '../snapshot/take-snapshot.js';
import { get, put } from '../txn.js';
import { nodeDisk } from '../wal/node-disk.js';
import { Wal } from '../wal/wal.js';
import { type DataFolder, openDataFolder } from './data-folder.js';
import { openFolderState } from './folder-state.js';
import { thisMachine } from './platform.js';

const SURROUNDINGS = { platform: thisMachine, prng: seededPrng(1), clock: systemClock, logger: silentLogger };
const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };
const MEMBER = { id: 1n, name: '', peerUrls: [], clientUrls: [], incarnation: 0n, isLearner: false };

let parent: string;
/** The data folder. */
let path: string;
let closers: (() => Promise<unknown>)[];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'conclave-state-'));
  path = join(parent, 'member');
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  await rm(parent, { recursive: true });
});

/** Applies a configuration, if there is none, and these commands. */
function apply(machine: Machine, ...commands: readonly Command[]): void {
  const next = () => ({ index: machine.appliedIndex + 1, term: 1 });
  if (machine.appliedIndex === 0) {
    const data = encodeConfiguration({ voters: [1n], learners: [] }, encodeMemberInfos([MEMBER]));
    machine.applyAll([{ ...next(), kind: 'configuration', data }]);
  }
  for (const command of commands) machine.applyAll([{ ...next(), data: encodeCommand(command) }]);
}

/** A snapshot at index 4 in which a=new and b=new, taken on another member. */
function snapshotOfAnother(): AsyncIterable<Uint8Array> {
  const backend = openMemoryBackend();
  apply(Machine.open(backend, SETTINGS), put('a', 'old'), put('a', 'new'), put('b', 'new'));
  return takeSnapshot(backend).chunks();
}

async function* damaged(chunks: AsyncIterable<Uint8Array>) {
  for await (const chunk of chunks) yield chunk.length === 32 ? chunk.map((byte) => byte ^ 1) : chunk;
}

async function open(at = path) {
  const folder = await openDataFolder(at, SURROUNDINGS);
  closers.push(() => folder.release());
  const opened = await openFolderState(folder, {
    ...SURROUNDINGS,
    overlayBytesMax: 2 ** 20,
    openMachine: (backend, watch) => Machine.open(backend, SETTINGS, watch),
  });
  closers.push(() => opened.state.backend.close());
  return { folder, ...opened };
}

async function close(): Promise<void> {
  for (const each of closers.splice(0).reverse()) await each();
}

/** A folder in which a=old, at index 2. */
async function openOld() {
  const opened = await open();
  apply(opened.state.machine, put('a', 'old'));
  return opened;
}

const inForce = (machine: Machine) =>
  machine.keyspace
    .range(get(everything()))
    .kvs.map((kv) => `${toText(kv.key)}=${toText(kv.value)}`)
    .join(' ');

const engineNames = async (at = path) => (await readdir(at)).filter((name) => name.startsWith('db')).sort();

test('a fresh folder holds nothing, and came from no snapshot', async () => {
  const { state, snapshot } = await open();
  expect(state.machine.appliedIndex).toBe(0);
  expect(snapshot).toBeUndefined();
});

describe('a snapshot', () => {
  test('that was received is whole, and beside the state in force, which goes on', async () => {
    const { store, state } = await openOld();

    const received = await store.receive(snapshotOfAnother());
    apply(state.machine, put('a', 'newer'));

    expect(received.position).toEqual({ index: 4, term: 1, configuration: { voters: [1n], learners: [] } });
    expect(await engineNames()).toEqual(['db', 'db.incoming']);
    expect(inForce(state.machine)).toBe('a=newer');
  });

  test('that is installed takes the place of the state, for good', async () => {
    const { store, state } = await openOld();

    const next = await store.install(await store.receive(snapshotOfAnother()), state);

    expect(inForce(next.machine)).toBe('a=new b=new');
    expect(next.machine.appliedIndex).toBe(4);
    expect(await engineNames()).toEqual(['db']);
    expect(() => state.backend.get('meta', Buffer.from('k'))).toThrow('closed');
    apply(next.machine, put('c', 'later'));
    await next.backend.close();
    await close();
    const again = await open();
    expect(inForce(again.state.machine)).toBe('a=new b=new c=later');
    expect(again.snapshot).toEqual({ index: 4, term: 1 });
  });

  test('lets watchers go on with what they missed', async () => {
    const { store, state } = await openOld();
    const watcher = state.machine.watch.watch({ target: key('a') }, () => {});

    const next = await store.install(await store.receive(snapshotOfAnother()), state);
    closers.push(() => next.backend.close());
    apply(next.machine, put('a', 'last'));

    const values = [watcher.take(), watcher.take(), watcher.take()].map((taken) =>
      taken?.type === 'batch' ? taken.batch.events.map(({ kv }) => toText(kv.value)).join() : taken,
    );
    expect(values).toEqual(['new', 'last', undefined]);
    expect(next.machine.watch).toBe(state.machine.watch);
  });

  test('that is discarded leaves nothing behind; twice, or once it is installed, nothing happens', async () => {
    const { store, state } = await openOld();
    const first = await store.receive(snapshotOfAnother());
    await first.discard();
    await first.discard();
    expect(await engineNames()).toEqual(['db']);
    await expect(store.install(first, state)).rejects.toThrow('not discarded');

    const second = await store.receive(snapshotOfAnother());
    const next = await store.install(second, state);
    closers.push(() => next.backend.close());
    await second.discard();
    expect(await engineNames()).toEqual(['db']);
    expect(inForce(next.machine)).toBe('a=new b=new');
  });

  test('takes the place of one that was received before', async () => {
    const { store, state } = await openOld();
    const first = await store.receive(snapshotOfAnother());
    const second = await store.receive(snapshotOfAnother());
    await first.discard();
    const next = await store.install(second, state);
    closers.push(() => next.backend.close());
    expect(inForce(next.machine)).toBe('a=new b=new');
  });

  test('that is damaged, or breaks off, leaves nothing behind', async () => {
    const { store, state } = await openOld();
    const brokenOff = (async function* () {
      yield Buffer.from('concl');
      throw Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' });
    })();

    await expect(store.receive(damaged(snapshotOfAnother()))).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    await expect(store.receive(brokenOff)).rejects.toThrow('the connection broke');

    expect(await engineNames()).toEqual(['db']);
    expect(inForce(state.machine)).toBe('a=old');
    await (await store.receive(snapshotOfAnother())).discard();
  });

  test('is received one at a time', async () => {
    const { store } = await openOld();
    const first = store.receive(snapshotOfAnother());
    await expect(store.receive(snapshotOfAnother())).rejects.toThrow('one snapshot is received at a time');
    await first;
  });
});

describe('a defragmentation', () => {
  /** A state that holds little, in files that have room for much more. */
  async function openFragmented() {
    const opened = await openOld();
    const { backend, machine } = opened.state;
    for (let round = 0; round < 20; round += 1) {
      apply(machine, ...Array.from({ length: 20 }, (_, at) => put(`k${at}`, 'x'.repeat(10_000))));
      await backend.flush();
    }
    apply(machine, { type: 'delete', ...prefix('k') }, { type: 'compact', revision: machine.keyspace.revision + 1 });
    while (machine.scrub(1_000));
    await backend.flush();
    return opened;
  }

  test('leaves less on the disk and nothing beside it, and is in force at the next start, with what came meanwhile', async () => {
    const { state, store } = await openFragmented();
    const beforeBytes = state.backend.sizeBytes();

    const done = store.defragment(state);
    apply(state.machine, put('b', 'meanwhile'));
    await done;

    expect(state.backend.sizeBytes()).toBeLessThan(beforeBytes / 4);
    expect(await engineNames()).toEqual(['db']);
    apply(state.machine, put('c', 'later'));
    await close();
    const again = await open();
    expect(inForce(again.state.machine)).toBe('a=old b=meanwhile c=later');
    expect(again.state.machine.appliedHash).toBe(state.machine.appliedHash);
  });

  test('happens once at a time: whoever else asks waits for the same', async () => {
    const { state, store } = await openFragmented();
    const done = store.defragment(state);
    expect(store.defragment(state)).toBe(done);
    await done;
    await store.defragment(state);
    expect(await engineNames()).toEqual(['db']);
  });

  test('gives way to a snapshot, which it would only be in the way of', async () => {
    const { state, store } = await openFragmented();
    const done = store.defragment(state).catch((error: unknown) => error);

    const received = await store.receive(snapshotOfAnother());

    expect(await done).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await engineNames()).toEqual(['db', 'db.incoming']);
    await expect(store.defragment(state)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await received.discard();
    await store.defragment(state);
  });

  test('ends with the state, and leaves nothing behind', async () => {
    const { state, store } = await openFragmented();
    const done = store.defragment(state).catch((error: unknown) => error);

    await state.backend.close();

    expect(await done).toMatchObject({ code: 'CLOSED' });
    expect(await engineNames()).toEqual(['db']);
    await close();
    expect(inForce((await open()).state.machine)).toBe('a=old');
  });
});

describe('a crash', () => {
  /** The folder as it is when each step was just done, in the order of the installation. */
  async function atEachStep(): Promise<readonly (readonly [after: string, folder: string, expected: string])[]> {
    const { store, state, folder } = await openOld();
    await store.receive(snapshotOfAnother());
    await state.backend.close();
    await release(folder);
    const steps: (readonly [string, string, string])[] = [];
    const snap = async (after: string, expected: string) => {
      const copy = join(parent, `copy ${steps.length}`);
      await cp(path, copy, { recursive: true, filter: (from) => !from.includes('LOCK') });
      steps.push([after, copy, expected]);
    };
    const at = (name: string) => join(path, name);

    await rename(at('db.incoming'), at('db.receiving'));
    await snap('receiving', 'a=old');
    await rename(at('db.receiving'), at('db.incoming'));
    await snap('receiving it whole', 'a=old');
    await rename(at('db'), at('db.outgoing'));
    await snap('the old state left', 'a=new b=new');
    await rename(at('db.incoming'), at('db'));
    await snap('the new state came', 'a=new b=new');
    await rm(at('db.outgoing/data.mdb'));
    await snap('half of the old state was removed', 'a=new b=new');
    return steps;
  }

  async function release(folder: DataFolder) {
    await folder.release();
    closers = [];
  }

  test('at any step leaves the old state or the new one, and nothing else', async () => {
    for (const [after, at, expected] of await atEachStep()) {
      const { state, folder } = await open(at);
      expect([after, inForce(state.machine)]).toEqual([after, expected]);
      expect([after, ...(await engineNames(at))]).toEqual([after, 'db']);
      await state.backend.close();
      await release(folder);
    }
  });

  test('again, while the first one is made good, changes nothing of that', async () => {
    for (const [after, at, expected] of await atEachStep()) {
      // Settling was cut off right after its first rename, where it has one.
      if (after === 'the old state left') await rename(join(at, 'db.incoming'), join(at, 'db'));
      const { state, folder } = await open(at);
      expect([after, inForce(state.machine)]).toEqual([after, expected]);
      await state.backend.close();
      await release(folder);
    }
  });

  test('between the state and the log leaves a log that begins anew when it is opened', async () => {
    const { store, state, folder } = await openOld();
    const log = { disk: nodeDisk, path: folder.walPath, logger: silentLogger, newLogId: () => 1n };
    const { wal } = await Wal.open(log);
    const data = encodeCommand(put('a', 'old'));
    await wal.append(
      { term: 1, votedFor: 1n, commitIndex: 2 },
      [1, 2, 3].map((index) => ({ index, term: 1, data })),
    );
    const next = await store.install(await store.receive(snapshotOfAnother()), state);
    await next.backend.close();
    await wal.close();
    await close();

    const again = await open();
    const durableIndex = again.state.machine.appliedIndex;
    const opened = await Wal.open({ ...log, durableIndex, snapshot: again.snapshot });
    closers.push(() => opened.wal.close());

    expect(opened).toMatchObject({ firstIndex: 5, previousTerm: 1, entries: [] });
    expect(opened.hardState).toEqual({ term: 1, votedFor: 1n, commitIndex: 4 });
  });

  test('that took the engine away altogether is not taken for a new folder', async () => {
    await openOld();
    await close();
    await rename(join(path, 'db'), join(path, 'db.outgoing'));
    await expect(open()).rejects.toMatchObject({
      code: 'DATA_DIR_UNREADABLE',
      message: expect.stringContaining('db.outgoing but no db'),
    });
  });
});

test('an engine that does not hold what a machine wrote is closed again', async () => {
  const folder = await openDataFolder(path, SURROUNDINGS);
  closers.push(() => folder.release());
  let opened: Backend | undefined;
  const openMachine = (backend: Backend): Machine => {
    opened = backend;
    throw new Error('not a state');
  };
  await expect(openFolderState(folder, { ...SURROUNDINGS, overlayBytesMax: 1, openMachine })).rejects.toThrow(
    'not a state',
  );
  expect(() => opened?.sizeBytes()).toThrow('closed');
});
