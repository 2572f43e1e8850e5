import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authChange, caller } from '../auth/testing/auth-changes.js';
import { type Backend, TABLES } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { EMPTY_BYTES, toText } from '../base/bytes.js';
import { everything, fromKey, key, prefix } from '../base/key-range.js';
import type { Compare, Operation, PutRequest, TxnRequest } from '../base/operation.js';
import { encodeConfiguration } from '../raft/configuration.js';
import { createRevision, get, modRevision, put, remove, value, version } from '../txn.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import { encodeMemberInfos } from './member-info.js';
import type { AlarmCommand, Applied, Command, LogEntry } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 4, catchUpRevisionsMax: 2 } };

const name = fc.constantFrom('a', 'aa', 'b', 'ba', 'c');
const lease = fc.constantFrom(1n, 2n, 3n, -4n);
const target = fc.oneof(name.map(key), name.map(prefix), name.map(fromKey), fc.constant(everything()));
const puts: fc.Arbitrary<PutRequest> = fc
  .record({
    name,
    content: fc.constantFrom('', 'x', 'y'),
    lease: fc.option(lease, { nil: 0n }),
    keep: fc.constantFrom({}, {}, {}, { ignoreValue: true }, { ignoreLease: true }),
    previous: fc.boolean(),
  })
  .map(({ name, content, lease, keep, previous }) => ({
    ...put(name, 'ignoreValue' in keep ? '' : content, { previous, lease: 'ignoreLease' in keep ? 0n : lease }),
    ...keep,
  }));
const deletes = fc
  .record({ target, previous: fc.boolean() })
  .map(({ target, previous }) => remove(target, { previous }));
const gets = fc.record({ target, limit: fc.nat(2) }).map(({ target, limit }) => get(target, { limit }));
const compares: fc.Arbitrary<Compare> = fc.oneof(
  fc.tuple(name, fc.nat(20)).map(([name, operand]) => modRevision(name).isGreaterThan(operand)),
  name.map((name) => createRevision(name).equals(0)),
  target.map((target) => version(target).isLessThan(3)),
  name.map((name) => value(name).differs('x')),
);
const { txn } = fc.letrec<{ txn: TxnRequest; branch: Operation[] }>((tie) => ({
  // As validation demands, no key is put twice in a branch, nor put and deleted.
  branch: fc.oneof(
    fc.uniqueArray(fc.oneof({ weight: 2, arbitrary: puts }, gets), {
      selector: ({ key }) => toText(key),
      maxLength: 4,
    }),
    fc.array(fc.oneof(deletes, gets), { maxLength: 3 }),
  ),
  txn: fc.record({
    type: fc.constant('txn'),
    compares: fc.array(compares, { maxLength: 2 }),
    success: fc.oneof(
      { maxDepth: 2 },
      tie('branch'),
      tie('txn').map((nested): Operation[] => [nested]),
    ),
    failure: tie('branch'),
  }),
}));
const member = fc.constantFrom(1n, 2n, 3n);
/** Each has all the members, with a vote or without: one that is removed could not come back. */
const configuration = fc.subarray([2n, 3n]).map((learners) => {
  const infos = [1n, 2n, 3n].map((id) => ({ ...NOTHING_KNOWN, id }));
  const voters = [1n, 2n, 3n].filter((id) => !learners.includes(id));
  return encodeConfiguration({ voters, learners }, encodeMemberInfos(infos));
});
const NOTHING_KNOWN = { name: '', peerUrls: [], clientUrls: [], incarnation: 0n, isLearner: false };
function alarm(action: AlarmCommand['action']): fc.Arbitrary<AlarmCommand> {
  return fc.record({
    type: fc.constant('alarm'),
    action: fc.constant(action),
    alarm: fc.record({ memberId: fc.constantFrom(1n, 2n), kind: fc.constantFrom('NOSPACE', 'CORRUPT') }),
    endsItself: fc.boolean(),
  });
}
const command: fc.Arbitrary<Command | undefined> = fc.oneof(
  { weight: 8, arbitrary: puts },
  { weight: 2, arbitrary: deletes },
  { weight: 4, arbitrary: txn },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('leaseGrant'), id: lease, ttlSeconds: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('leaseRevoke'), id: lease }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact'), revision: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 6, arbitrary: authChange.map((change) => ({ type: 'auth' as const, change })) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('callers' as const), caller, command: fc.oneof(puts, deletes, txn) }),
  },
  { weight: 1, arbitrary: alarm('raise') },
  // Mostly nothing is raised, or nothing else would happen.
  { weight: 4, arbitrary: alarm('end') },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('memberUpdate'),
      id: member,
      peerUrls: fc.subarray(['http://a', 'http://b']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('memberPublish'),
      id: member,
      name: fc.constantFrom('m', 'n'),
      clientUrls: fc.constant([]),
      incarnation: fc.constantFrom(1n, 2n),
    }),
  },
);
const content: fc.Arbitrary<Pick<LogEntry, 'data' | 'kind'>> = fc.oneof(
  {
    weight: 20,
    arbitrary: command.map((command) => ({ data: command === undefined ? EMPTY_BYTES : encodeCommand(command) })),
  },
  { weight: 1, arbitrary: configuration.map((data) => ({ kind: 'configuration' as const, data })) },
);
/** How many entries come together, how much is scrubbed then, and whether the machine is opened anew. */
const grouping = fc.array(
  fc.record({ entryCount: fc.integer({ min: 1, max: 9 }), scrub: fc.nat(3), reopens: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

test('the same entries give the same results and the same bytes, however they are grouped', () => {
  fc.assert(
    fc.property(fc.array(content, { minLength: 10, maxLength: 60 }), grouping, (contents, groups) => {
      const entries = contents.map((content, at): LogEntry => ({
        index: at + 1,
        term: 1 + Math.floor(at / 7),
        ...content,
      }));

      const oneByOne = runIn(entries, [{ entryCount: 1, scrub: 0, reopens: false }]);
      const grouped = runIn(entries, groups);

      expect(grouped.outcomes).toEqual(oneByOne.outcomes);
      expect(grouped.tables).toEqual(oneByOne.tables);
      expect(grouped.leases).toEqual(oneByOne.leases);
      expect(grouped.members).toEqual(oneByOne.members);
      expect(grouped.users).toEqual(oneByOne.users);
      expect(grouped.alarms).toEqual(oneByOne.alarms);
      expect(grouped.hash).toBe(oneByOne.hash);
      for (const run of [oneByOne, grouped]) expect(run.leases).toEqual(run.leasesInTheKeyspace);
    }),
    { seed: 99, numRuns: 200 },
  );
});

interface Group {
  readonly entryCount: number;
  readonly scrub: number;
  readonly reopens: boolean;
}

function runIn(entries: readonly LogEntry[], groups: readonly Group[]) {
  const backend = openMemoryBackend();
  let machine = Machine.open(backend, SETTINGS);
  const outcomes: (Applied | undefined)[] = [];
  for (let turn = 0; outcomes.length < entries.length; turn += 1) {
    const { entryCount, scrub, reopens } = groups[turn % groups.length] as Group;
    if (reopens) machine = Machine.open(backend, SETTINGS);
    outcomes.push(...machine.applyAll(entries.slice(outcomes.length, outcomes.length + entryCount)));
    if (scrub > 0) machine.scrub(scrub);
  }
  while (machine.scrub(100)) expect(machine.appliedIndex).toBe(entries.length);
  const again = Machine.open(backend, SETTINGS);
  expect(usersOf(again)).toEqual(usersOf(machine));
  expect(again.alarms.raised).toEqual(machine.alarms.raised);
  return {
    outcomes: outcomes.map(plain),
    tables: dump(backend),
    leases: leasesOf(machine),
    members: machine.membership.members,
    alarms: machine.alarms.raised,
    users: usersOf(machine),
    hash: machine.appliedHash,
    leasesInTheKeyspace: leasesInTheKeyspaceOf(machine),
  };
}

function dump(backend: Backend): string[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return TABLES.flatMap((table) =>
    [...backend.scan(table)].map(([key, value]) => `${table} ${hex(key)} ${hex(value)}`),
  );
}

/** An outcome with its error as text: two errors of the same class and message are the same. */
function plain(applied: Applied | undefined): unknown {
  return applied && 'error' in applied ? { index: applied.index, error: String(applied.error) } : applied;
}

function leasesOf({ lessor }: Machine): string[] {
  return lessor
    .ids()
    .flatMap((id) => lessor.keys(id).map((key) => `${id} ${toText(key)}`))
    .sort();
}

/** Users and roles with all that is known of them, as they are and as they would be opened again. */
function usersOf({ auth }: Machine): unknown {
  const roles = auth.roleNames.map((name) => auth.role(name));
  return [auth.status, auth.userNames.map((name) => auth.user(name)), roles];
}

function leasesInTheKeyspaceOf({ keyspace, lessor }: Machine): string[] {
  const leased = keyspace.range(get(everything())).kvs.filter((kv) => kv.lease !== 0n);
  for (const kv of leased) expect(lessor.has(kv.lease)).toBe(true);
  return leased.map((kv) => `${kv.lease} ${toText(kv.key)}`).sort();
}
