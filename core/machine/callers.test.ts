import { beforeEach, expect, test } from '@jest/globals';
import type { Caller } from '../auth/types.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { everything, key, prefix } from '../base/key-range.js';
import { get, put, remove } from '../txn.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import type { AuthCommand, CallerCommand, Command } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 4, catchUpRevisionsMax: 2 } };

let backend: ReturnType<typeof openMemoryBackend>;
let machine: Machine;

beforeEach(() => {
  backend = openMemoryBackend();
  machine = Machine.open(backend, SETTINGS);
});

/** What comes of a command: its code if it fails, else 'done'. */
function run(command: Command): string {
  const [outcome] = machine.applyAll([{ index: machine.appliedIndex + 1, term: 1, data: encodeCommand(command) }]);
  return outcome !== undefined && 'error' in outcome ? outcome.error.code : 'done';
}

const runAs = (caller: Caller, command: CallerCommand) => run({ type: 'callers', caller, command });
const change = (change: AuthCommand['change']) => run({ type: 'auth', change });
const now = (name: string): Caller => ({ name, revision: machine.auth.revision });

/** Root, and ann who may read and write below "a/", and only read below "b/". */
function enable(): void {
  const role = 'r';
  for (const name of ['root', 'ann', 'bob']) change({ type: 'userAdd', name, passwordHash: 'h' });
  change({ type: 'userGrant', name: 'root', role: 'root' });
  change({ type: 'roleAdd', role });
  change({ type: 'roleGrant', role, permission: { ...prefix('a/'), access: 'readWrite' } });
  change({ type: 'roleGrant', role, permission: { ...prefix('b/'), access: 'read' } });
  change({ type: 'userGrant', name: 'ann', role });
  change({ type: 'enable' });
}

test('a command of a caller is carried out as any other while nobody is asked', () => {
  expect(runAs('nobody', put('k', '1'))).toBe('done');
  expect(runAs({ name: 'ann', revision: 1 }, put('k', '2'))).toBe('done');
  expect(machine.keyspace.revision).toBe(3);
});

test('what a caller may not do is refused by the state to which it is applied, and changes nothing', () => {
  enable();
  run({ type: 'leaseGrant', id: 7n, ttlSeconds: 10 });
  run(put('b/leased', '', { lease: 7n }));
  run({ type: 'leaseGrant', id: 8n, ttlSeconds: 10 });
  run(put('a/leased', '', { lease: 8n }));
  const { revision } = machine.keyspace;

  const secret: CallerCommand = {
    type: 'txn',
    compares: [],
    success: [{ type: 'txn', compares: [], success: [put('b/1', '')], failure: [] }],
    failure: [],
  };
  const refused: readonly CallerCommand[] = [
    put('b/1', ''),
    put('a/1', '', { lease: 7n }),
    remove(everything()),
    secret,
    { type: 'leaseRevoke', id: 7n },
    { type: 'compact', revision: 2 },
    { type: 'auth', change: { type: 'disable' } },
  ];
  for (const command of refused) {
    expect(runAs(now('ann'), command)).toBe('PERMISSION_DENIED');
    expect(runAs(now('bob'), command)).toBe('PERMISSION_DENIED');
    expect(runAs('nobody', command)).toBe('USER_NAME_EMPTY');
  }
  expect(machine.keyspace.revision).toBe(revision);
  expect(machine.auth.isEnabled).toBe(true);

  const allowed: readonly CallerCommand[] = [
    put('a/1', '', { lease: 8n, previous: true }),
    { type: 'leaseRevoke', id: 8n },
    { type: 'leaseGrant', id: 9n, ttlSeconds: 10 },
  ];
  for (const command of allowed) expect(runAs(now('ann'), command)).toBe('done');
  for (const command of refused.slice(0, 4)) expect(runAs(now('root'), command)).toBe('done');
});

test('nothing slips between the check of a member and the log', () => {
  enable();
  const ann = now('ann');
  const data = encodeCommand({ type: 'callers', caller: ann, command: put('a/1', '') });
  const revoke = encodeCommand({ type: 'auth', change: { type: 'roleRevoke', role: 'r', range: prefix('a/') } });

  const first = machine.appliedIndex + 1;
  const outcomes = machine.applyAll([
    { index: first, term: 1, data },
    { index: first + 1, term: 1, data: revoke },
    { index: first + 2, term: 1, data },
  ]);

  expect(outcomes[0]).toMatchObject({ result: { type: 'put' } });
  expect(outcomes[2]).toMatchObject({ error: { code: 'PERMISSION_DENIED' } });
});

test('a client that gave no name is refused from the very entry on that enables authentication', () => {
  const data = encodeCommand({ type: 'callers', caller: 'nobody', command: put('k', '') });
  change({ type: 'userAdd', name: 'root', passwordHash: 'h' });
  change({ type: 'userGrant', name: 'root', role: 'root' });

  const first = machine.appliedIndex + 1;
  const enabling = encodeCommand({ type: 'auth', change: { type: 'enable' } });
  const outcomes = machine.applyAll([
    { index: first, term: 1, data },
    { index: first + 1, term: 1, data: enabling },
    { index: first + 2, term: 1, data },
  ]);

  expect(outcomes.map((outcome) => outcome !== undefined && 'error' in outcome)).toEqual([false, false, true]);
});

test('what was proposed for a user that was changed since is refused as old', () => {
  enable();
  const before = now('ann');
  change({ type: 'userPassword', name: 'ann', passwordHash: 'other' });

  expect(runAs(before, put('a/1', ''))).toBe('AUTH_REVISION_OLD');
  expect(runAs(now('ann'), put('a/1', ''))).toBe('done');
});

test('users, roles and what is enabled are there after a restart', () => {
  enable();
  machine = Machine.open(backend, SETTINGS);

  expect(machine.auth.isEnabled).toBe(true);
  expect(runAs(now('ann'), put('a/1', ''))).toBe('done');
  expect(runAs(now('ann'), put('b/1', ''))).toBe('PERMISSION_DENIED');
  expect(machine.auth.rightsOf(now('ann'))?.mayRead(key('b/1'))).toBe(true);
});

test('a watcher that is ended because of a change is not told what was written after it', () => {
  enable();
  const watcher = machine.watch.watch({ target: prefix('a/') }, () => undefined);
  machine.auth.onChange(() => watcher.cancel());

  const first = machine.appliedIndex + 1;
  machine.applyAll(
    [{ type: 'auth', change: { type: 'roleDelete', role: 'r' } } as const, put('a/secret', '')].map((command, at) => ({
      index: first + at,
      term: 1,
      data: encodeCommand(command),
    })),
  );

  expect(watcher.take()).toBeUndefined();
  expect(machine.keyspace.range(get('a/secret')).count).toBe(1);
});

test('a command whose proposer is trusted, and one of a client without a name, are as long as they were', () => {
  const trusted = encodeCommand(put('k', 'v'));
  const nobodys = encodeCommand({ type: 'callers', caller: 'nobody', command: put('k', 'v') });

  expect([...trusted]).toEqual([1, 1, 0, 1, 0x6b, 1, 0x76]);
  expect([...nobodys]).toEqual([3, 1, 0, 1, 0x6b, 1, 0x76]);
});
