import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { toText } from '../base/bytes.js';
import { everything } from '../base/key-range.js';
import { silentLogger } from '../base/logger.js';
import { seededPrng } from '../base/prng.js';
import { systemClock } from '../base/system-clock.js';
import { encodeCommand } from '../machine/codec.js';
import { Machine } from '../machine/machine.js';
import { encodeMemberInfos } from '../machine/member-info.js';
import type { Command, MemberInfo } from '../machine/types.js';
import { encodeConfiguration } from '../raft/configuration.js';
import { takeSnapshot } from '../snapshot/take-snapshot.js';
import { get, put } from '../txn.js';
import { nodeDisk } from '../wal/node-disk.js';
import { Wal } from '../wal/wal.js';
import { openDataFolder } from './data-folder.js';
import { openFolderState } from './folder-state.js';
import { thisMachine } from './platform.js';
import { restoreSnapshot, saveSnapshot, snapshotStatus } from './restore.js';

const SURROUNDINGS = { platform: thisMachine, prng: seededPrng(1), clock: systemClock, logger: silentLogger };
const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };
const IDENTITY = { clusterId: 100n, memberId: 11n, incarnation: 5n };
/** The cluster that the snapshot is of, and the one that it is restored to. */
const OLD = [1n, 2n].map(info);
const NEW = [13n, 11n, 12n].map(info);
const CONFIGURATION = { voters: [11n, 12n, 13n], learners: [] };

function info(id: bigint): MemberInfo {
  return { id, name: `m${id}`, peerUrls: [], clientUrls: [], incarnation: 0n, isLearner: false };
}

let parent: string;
let file: string;
let dataDir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'conclave-restore-'));
  file = join(parent, 'backup');
  dataDir = join(parent, 'member');
});
afterEach(() => rm(parent, { recursive: true }));

/** A state at index 6, term 4: members 1 and 2 (3 was removed), a lease, and keys a, b. */
function state() {
  const backend = openMemoryBackend();
  const machine = Machine.open(backend, SETTINGS);
  const next = () => ({ index: machine.appliedIndex + 1, term: 4 });
  const configure = (members: readonly MemberInfo[]) => {
    const configuration = { voters: members.map(({ id }) => id), learners: [] };
    const data = encodeConfiguration(configuration, encodeMemberInfos(members));
    machine.applyAll([{ ...next(), kind: 'configuration', data }]);
  };
  configure([...OLD, info(3n)]);
  configure(OLD);
  const commands: readonly Command[] = [
    { type: 'leaseGrant', id: 7n, ttlSeconds: 60 },
    put('a', '1'),
    put('b', '2', { lease: 7n }),
    put('a', '3'),
  ];
  for (const command of commands) machine.applyAll([{ ...next(), data: encodeCommand(command) }]);
  return { backend, machine };
}

const save = () => saveSnapshot(takeSnapshot(state().backend).chunks(), file);
const restore = (more = {}) =>
  restoreSnapshot({ file, dataDir, identity: IDENTITY, members: NEW, configuration: CONFIGURATION, ...more });
const names = async () => (await readdir(parent)).sort();

describe('saving', () => {
  test('writes a file for its owner alone, and says what is in it', async () => {
    const status = await save();

    expect(await names()).toEqual(['backup']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(status).toEqual(await snapshotStatus(file));
    const bytes = await readFile(file);
    expect(status).toEqual({
      hash: bytes.subarray(-32).toString('hex'),
      revision: 4,
      totalKeys: 6,
      totalSizeBytes: bytes.length,
      index: 6,
      term: 4,
      members: OLD,
    });
  });

  test('replaces a file only once the new one is whole', async () => {
    await writeFile(file, 'old');
    const broken = (async function* () {
      for await (const chunk of takeSnapshot(state().backend).chunks()) {
        if (chunk.length === 32) return;
        yield chunk;
      }
    })();

    await expect(saveSnapshot(broken, file)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect([await names(), await readFile(file, 'utf8')]).toEqual([['backup'], 'old']);

    await save();
    expect((await snapshotStatus(file)).index).toBe(6);
  });

  test('where it cannot write leaves nothing, and says so', async () => {
    const chunks = takeSnapshot(state().backend).chunks();
    await expect(saveSnapshot(chunks, join(parent, 'no', 'folder'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await names()).toEqual([]);
  });
});

describe('the status', () => {
  test('of what is no snapshot, or none that is whole, is an error', async () => {
    await writeFile(file, 'something else');
    await expect(snapshotStatus(file)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED', offset: 0 });
    await save();
    const bytes = await readFile(file);
    bytes[100]! ^= 1;
    await writeFile(file, bytes);
    await expect(snapshotStatus(file)).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
  });

  test('of a file that is not there is an error that names it', async () => {
    await expect(snapshotStatus(file)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'file', value: file });
  });
});

describe('restoring', () => {
  test('makes a member of the new cluster, with the data of the old one', async () => {
    await save();
    const status = await restore();
    expect(status).toMatchObject({ index: 6, term: 4, members: [11n, 12n, 13n].map(info) });

    const folder = await openDataFolder(dataDir, SURROUNDINGS);
    expect(folder.identity).toEqual(IDENTITY);
    const openMachine = (backend: Parameters<typeof Machine.open>[0]) => Machine.open(backend, SETTINGS);
    const { state: restored, snapshot } = await openFolderState(folder, {
      ...SURROUNDINGS,
      overlayBytesMax: 2 ** 20,
      openMachine,
    });
    const { machine, backend } = restored;
    const kvs = machine.keyspace.range(get(everything())).kvs.map((kv) => `${toText(kv.key)}=${toText(kv.value)}`);
    expect(kvs).toEqual(['a=3', 'b=2']);
    expect(machine.keyspace.range(get('a', { revision: 2 })).kvs.length).toBe(1);
    expect(machine.lessor.keys(7n).map(toText)).toEqual(['b']);
    expect(machine.membership.members).toEqual([11n, 12n, 13n].map(info));
    expect(machine.membership.configuration).toEqual(CONFIGURATION);
    expect(machine.membership.isRemoved(3n)).toBe(false);
    expect(machine).toMatchObject({ appliedIndex: 6, appliedTerm: 4, appliedHash: state().machine.appliedHash });

    const log = { disk: nodeDisk, path: folder.walPath, logger: silentLogger, newLogId: () => 1n };
    const opened = await Wal.open({ ...log, durableIndex: 6, snapshot });
    expect(opened).toMatchObject({ firstIndex: 7, previousTerm: 4, entries: [] });
    expect(opened.hardState).toEqual({ term: 4, votedFor: 0n, commitIndex: 6 });
    await opened.wal.close();
    await backend.close();
    await folder.release();
  });

  test('goes into an empty folder, and makes those above it', async () => {
    await save();
    await mkdir(dataDir);
    await restore();
    await restore({ dataDir: join(parent, 'x', 'y') });
    expect(await readdir(join(parent, 'x', 'y'))).toContain('FORMAT');
  });

  test('leaves alone a folder that is not empty', async () => {
    await save();
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'mine'), '');
    await expect(restore()).rejects.toMatchObject({ code: 'DATA_DIR_NOT_EMPTY', path: dataDir });
    expect(await readdir(dataDir)).toEqual(['mine']);
  });

  test('a second time is refused', async () => {
    await save();
    await restore();
    await expect(restore()).rejects.toMatchObject({ code: 'DATA_DIR_NOT_EMPTY' });
  });

  test('of a damaged file leaves nothing behind', async () => {
    await save();
    await truncate(file, 300);
    await expect(restore({ dataDir: join(parent, 'x', 'y') })).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    await mkdir(dataDir);
    await expect(restore()).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect([await names(), await readdir(dataDir)]).toEqual([['backup', 'member'], []]);
  });

  test('of a file that is not there leaves nothing behind', async () => {
    await expect(restore()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'file' });
    expect(await names()).toEqual([]);
  });

  test('of a file whose hash is wrong is done when that is asked for', async () => {
    await save();
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(restore()).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect(await restore({ skipHashCheck: true })).toMatchObject({ index: 6 });
  });

  test('that was cut off leaves a folder that nobody can open', async () => {
    await save();
    await restore();
    await rm(join(dataDir, 'FORMAT'));
    const opening = openDataFolder(dataDir, SURROUNDINGS);
    await expect(opening).rejects.toThrow('if a restore was cut off, begin it again');
  });
});
