import { expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { everything, prefix } from '../base/key-range.js';
import { createRevision, get, put, remove } from '../txn.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import type { Command } from './types.js';

/** Everything through which time, chance or waiting could come in. */
const AMBIENT: readonly (readonly [object: object, name: string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
  [process, 'hrtime'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'queueMicrotask'],
  [globalThis, 'Date'],
  [crypto, 'getRandomValues'],
  [crypto, 'randomUUID'],
];

const COMMANDS: readonly (Command | undefined)[] = [
  undefined,
  put('a', '1'),
  { type: 'leaseGrant', id: 7n, ttlSeconds: 10 },
  { type: 'leaseGrant', id: 8n, ttlSeconds: 5 },
  put('leased/a', '1', { lease: 7n }),
  put('leased/b', '1', { lease: 8n }),
  put('missing', '', { ignoreValue: true }),
  {
    type: 'txn',
    compares: [createRevision('a').isGreaterThan(0)],
    success: [put('b', '2'), get(everything(), { sortTarget: 'modRevision', sortOrder: 'descend' })],
    failure: [remove('a')],
  },
  put('leased/a', '2', { lease: 8n, previous: true }),
  { type: 'compact', revision: 3 },
  remove(prefix('b')),
  { type: 'leaseRevoke', id: 8n },
  { type: 'leaseRevoke', id: 8n },
  { type: 'memberPublish', id: 1n, name: 'a', clientUrls: [], incarnation: 1n },
  { type: 'memberUpdate', id: 1n, peerUrls: [] },
  { type: 'auth', change: { type: 'userAdd', name: 'root', passwordHash: 'h' } },
  { type: 'auth', change: { type: 'userGrant', name: 'root', role: 'root' } },
  { type: 'auth', change: { type: 'enable' } },
  { type: 'callers', caller: 'nobody', command: put('a', '3') },
  { type: 'callers', caller: { name: 'root', revision: 3 }, command: put('a', '3') },
  { type: 'auth', change: { type: 'token', user: { name: 'root', revision: 3 }, digest: Uint8Array.of(1) } },
];

test('the machine reads no clock, rolls no dice and waits for nothing', () => {
  const seen = withoutAmbient(() => {
    const backend = openMemoryBackend();
    const settings = { watch: { queueEventsMax: 2, catchUpRevisionsMax: 2 } };
    const machine = Machine.open(backend, settings);
    let wakes = 0;
    const watchers = [{ from: 2 }, {}, { from: 6, previous: true }].map((options) =>
      machine.watch.watch({ target: everything(), ...options }, () => (wakes += 1)),
    );

    const outcomes = COMMANDS.map((command, at) => {
      const data = command === undefined ? new Uint8Array(0) : encodeCommand(command);
      const [outcome] = machine.applyAll([{ index: at + 1, term: 1, data }]);
      return outcome === undefined ? 'none' : 'error' in outcome ? outcome.error.code : outcome.result.revision;
    });
    while (machine.scrub(1)) wakes += 0;

    const taken = watchers.map((watcher) => {
      let count = 0;
      while (watcher.take()?.type === 'batch') count += 1;
      watcher.cancel();
      return count;
    });
    machine.lessor.extendAll(1_000);
    const expired = [machine.lessor.expire(0, 10), machine.lessor.expire(60_000, 10)];
    const reopened = Machine.open(backend, settings);
    return { outcomes, wakes, taken, expired, revision: reopened.keyspace.revision };
  });

  expect(seen).toEqual({
    outcomes: [
      'none',
      2,
      2,
      2,
      3,
      4,
      'KEY_NOT_FOUND',
      5,
      6,
      6,
      7,
      8,
      'LEASE_NOT_FOUND',
      'MEMBER_NOT_FOUND',
      'MEMBER_NOT_FOUND',
      8,
      8,
      8,
      'USER_NAME_EMPTY',
      9,
      9,
    ],
    wakes: 3,
    taken: [8, 8, 4],
    expired: [[], [7n]],
    revision: 9,
  });
});

test('the tripwire does trip', () => {
  expect(() => withoutAmbient(() => performance.now())).toThrow(/now/);
  expect(() => withoutAmbient(() => new Date())).toThrow(/Date/);
  expect(() => withoutAmbient(() => setTimeout(() => undefined, 0))).toThrow(/setTimeout/);
  expect(performance.now()).toBeGreaterThan(0);
});

/** Runs something while every ambient source throws, and puts them back whatever happens. */
function withoutAmbient<T>(run: () => T): T {
  const originals = AMBIENT.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  AMBIENT.forEach(([object, name]) =>
    Object.defineProperty(object, name, { configurable: true, get: () => trip(name) }),
  );
  try {
    return run();
  } finally {
    AMBIENT.forEach(([object, name], at) => {
      const original = originals[at];
      if (original === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, original);
    });
  }
}

function trip(name: string): never {
  throw new Error(`${name} was used in a room that is a function of its inputs`);
}
