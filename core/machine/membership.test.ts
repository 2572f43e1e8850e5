import { describe, expect, test } from '@jest/globals';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { InvariantError } from '../base/assert.js';
import { MemberNotFoundError, PeerUrlExistsError } from '../base/errors.js';
import { put } from '../txn.js';
import { encodeConfiguration } from '../raft/configuration.js';
import type { Configuration } from '../raft/types.js';
import { encodeCommand } from './codec.js';
import { Machine } from './machine.js';
import { decodeMemberInfos, encodeMemberInfos } from './member-info.js';
import type { Applied, Command, LogEntry, MemberInfo } from './types.js';

const SETTINGS = { watch: { queueEventsMax: 100, catchUpRevisionsMax: 100 } };
const LARGEST = 2n ** 64n - 1n;

function info(id: bigint, more: Partial<MemberInfo> = {}): MemberInfo {
  const peerUrls = [`http://10.0.0.${id}:2380`];
  return { id, name: '', peerUrls, clientUrls: [], incarnation: 0n, isLearner: false, ...more };
}

function openMachine() {
  const backend = openMemoryBackend();
  let machine = Machine.open(backend, SETTINGS);
  const apply = (entry: Omit<LogEntry, 'index' | 'term'>): Applied | undefined =>
    machine.applyAll([{ index: machine.appliedIndex + 1, term: 1, ...entry }])[0];
  return {
    get membership() {
      return machine.membership;
    },
    configure: (configuration: Partial<Configuration>, infos: readonly MemberInfo[] = []) =>
      apply({
        kind: 'configuration',
        data: encodeConfiguration({ voters: [], learners: [], ...configuration }, encodeMemberInfos(infos)),
      }),
    command: (command: Command) => apply({ data: encodeCommand(command) }),
    apply,
    reopen: () => (machine = Machine.open(backend, SETTINGS)),
  };
}

/** A cluster of three. */
function openCluster() {
  const cluster = openMachine();
  cluster.configure({ voters: [1n, 2n, LARGEST] }, [info(LARGEST), info(1n), info(2n)]);
  return cluster;
}

const idsOf = (members: readonly MemberInfo[]) => members.map(({ id }) => id);

describe('a configuration', () => {
  test('nobody is a member before the first one', () => {
    const { membership } = openMachine();
    expect(membership.members).toEqual([]);
    expect(membership.configuration).toEqual({ voters: [], learners: [] });
    expect(membership.member(1n)).toBeUndefined();
  });

  test('makes members of those whose info comes with it, in order of their ids', () => {
    const { membership, configure } = openMachine();

    const outcome = configure({ voters: [2n, LARGEST], learners: [1n] }, [info(LARGEST), info(2n), info(1n)]);

    expect(membership.members).toEqual([info(1n, { isLearner: true }), info(2n), info(LARGEST)]);
    expect(membership.configuration).toEqual({ voters: [2n, LARGEST], learners: [1n] });
    expect(outcome).toEqual({
      index: 1,
      result: { type: 'configuration', revision: 1, members: membership.members },
    });
  });

  test('leaves what is known of a member as it is', () => {
    const { membership, configure, command } = openCluster();
    command({ type: 'memberPublish', id: 2n, name: 'b', clientUrls: ['http://b'], incarnation: 9n });

    configure({ voters: [1n, 2n, LARGEST] }, [info(2n, { name: 'other' })]);

    expect(membership.member(2n)).toEqual(info(2n, { name: 'b', clientUrls: ['http://b'], incarnation: 9n }));
  });

  test('removes for ever whoever is not in it', () => {
    const { membership, configure } = openCluster();

    configure({ voters: [1n, LARGEST] });
    configure({ voters: [1n] });

    expect(idsOf(membership.members)).toEqual([1n]);
    expect([2n, LARGEST, 1n, 3n].map((id) => membership.isRemoved(id))).toEqual([true, true, false, false]);
    expect(() => configure({ voters: [1n, 2n] }, [info(2n)])).toThrow('the id of a removed member is never used again');
  });

  test('that is joint keeps those of both; leaving it removes', () => {
    const { membership, configure } = openCluster();

    configure({ voters: [1n, 3n], outgoing: [1n, 2n, LARGEST], learners: [2n] }, [info(3n)]);
    expect(idsOf(membership.members)).toEqual([1n, 2n, 3n, LARGEST]);
    expect(membership.configuration.outgoing).toEqual([1n, 2n, LARGEST]);
    // It votes with the outgoing ones until then.
    expect(membership.member(2n)?.isLearner).toBe(false);

    configure({ voters: [1n, 3n], learners: [2n] });
    expect(idsOf(membership.members)).toEqual([1n, 2n, 3n]);
    expect(membership.member(2n)?.isLearner).toBe(true);
    expect(membership.isRemoved(LARGEST)).toBe(true);
  });

  test('tells whom a learner is to replace until it has a vote', () => {
    const { membership, configure } = openCluster();

    configure({ voters: [1n, 2n, LARGEST], learners: [4n] }, [info(4n, { isLearner: true, replaces: 2n })]);
    expect(membership.member(4n)).toEqual(info(4n, { isLearner: true, replaces: 2n }));

    configure({ voters: [1n, 4n, LARGEST], outgoing: [1n, 2n, LARGEST] });
    expect(membership.member(4n)).toEqual(info(4n));
  });

  test('without the info of a new member is a broken invariant', () => {
    expect(() => openCluster().configure({ voters: [1n, 2n, 5n] })).toThrow(InvariantError);
  });

  test('changes no revision of the store', () => {
    const { command, configure } = openCluster();
    expect(command(put('a', '1'))).toMatchObject({ result: { revision: 2 } });
    expect(configure({ voters: [1n] })).toMatchObject({ result: { revision: 2 } });
  });
});

describe('what a member says of itself', () => {
  test('is kept, and told back', () => {
    const { membership, command } = openCluster();

    const outcome = command({
      type: 'memberPublish',
      id: 2n,
      name: 'b',
      clientUrls: ['http://b'],
      incarnation: LARGEST,
    });

    expect(membership.member(2n)).toEqual(info(2n, { name: 'b', clientUrls: ['http://b'], incarnation: LARGEST }));
    expect(outcome).toMatchObject({ result: { type: 'memberPublish', members: membership.members } });
  });

  test('moves it to other peer URLs', () => {
    const { membership, command } = openCluster();
    const peerUrls = ['http://10.0.1.2:2380', 'http://10.0.0.2:2380'];

    expect(command({ type: 'memberUpdate', id: 2n, peerUrls })).toMatchObject({ result: { type: 'memberUpdate' } });

    expect(membership.member(2n)?.peerUrls).toEqual(peerUrls);
  });

  test('makes no voter of a learner that moves', () => {
    const { membership, command, configure } = openCluster();
    configure({ voters: [1n, 2n], learners: [6n] }, [info(6n)]);

    command({ type: 'memberUpdate', id: 6n, peerUrls: ['http://10.0.1.6:2380'] });

    expect(membership.member(6n)).toMatchObject({ peerUrls: ['http://10.0.1.6:2380'], isLearner: true });
  });

  test('fails, and changes nothing, if another member has one of the URLs', () => {
    const { membership, command } = openCluster();
    const before = membership.members;

    const outcome = command({ type: 'memberUpdate', id: 2n, peerUrls: ['http://x:1', 'http://10.0.0.1:2380'] });

    expect(outcome).toEqual({ index: 2, error: new PeerUrlExistsError('http://10.0.0.1:2380') });
    expect(membership.members).toBe(before);
  });

  test.each<[string, Command]>([
    ['memberUpdate', { type: 'memberUpdate', id: 3n, peerUrls: [] }],
    ['memberPublish', { type: 'memberPublish', id: 3n, name: '', clientUrls: [], incarnation: 1n }],
  ])('fails if there is no such member (%s)', (_, command) => {
    expect(openCluster().command(command)).toEqual({ index: 2, error: new MemberNotFoundError(3n) });
  });
});

test('the membership is there again when the machine is opened again', () => {
  const cluster = openCluster();
  cluster.command({ type: 'memberPublish', id: 1n, name: 'é', clientUrls: ['http://a', 'http://b'], incarnation: 7n });
  cluster.configure({ voters: [1n], outgoing: [1n, LARGEST], learners: [6n] }, [info(6n, { replaces: 1n })]);
  const { members, configuration } = cluster.membership;

  cluster.reopen();

  expect(cluster.membership.members).toEqual(members);
  expect(cluster.membership.configuration).toEqual(configuration);
  expect(cluster.membership.isRemoved(2n)).toBe(true);
});

test('whoever listens is told once after each write that changed something, with all of it changed', () => {
  const { membership, configure, command, apply } = openCluster();
  const told: (readonly bigint[])[] = [];
  const end = membership.onChange(() => told.push(idsOf(membership.members)));

  command(put('a', '1'));
  apply({ data: new Uint8Array(0) });
  command({ type: 'memberUpdate', id: 9n, peerUrls: [] });
  expect(told).toEqual([]);
  configure({ voters: [1n, 2n] });
  expect(told).toEqual([[1n, 2n]]);
  end();
  configure({ voters: [1n] });
  expect(told.length).toBe(1);
});

describe('the infos of members as bytes', () => {
  test('are these', () => {
    const member = info(258n, { name: 'm', peerUrls: ['p'], clientUrls: ['c', 'd'], incarnation: 3n });
    expect([...encodeMemberInfos([{ ...member, isLearner: true, replaces: 1n }])]).toEqual(
      [
        [1, 1, 3],
        [0, 0, 0, 0, 0, 0, 1, 2],
        [1, 0x6d, 1, 1, 0x70, 2, 1, 0x63, 1, 0x64],
        [0, 0, 0, 0, 0, 0, 0, 3],
        [0, 0, 0, 0, 0, 0, 0, 1],
      ].flat(),
    );
  });

  test('come back in order; no bytes are no members', () => {
    expect(decodeMemberInfos(encodeMemberInfos([info(LARGEST), info(1n)]))).toEqual([info(1n), info(LARGEST)]);
    expect(decodeMemberInfos(new Uint8Array(0))).toEqual([]);
  });

  test('have each member once', () => {
    expect(() => encodeMemberInfos([info(1n), info(1n)])).toThrow(InvariantError);
  });

  test('that are cut short, too long, of the future or out of order are refused', () => {
    const bytes = encodeMemberInfos([info(1n), info(2n)]);
    const swapped = Uint8Array.from(bytes);
    swapped[10] = 3;
    for (let length = 1; length < bytes.length; length += 1)
      expect(() => decodeMemberInfos(bytes.subarray(0, length))).toThrow(InvariantError);
    for (const damaged of [Uint8Array.of(...bytes, 0), Uint8Array.of(2, ...bytes.subarray(1)), swapped])
      expect(() => decodeMemberInfos(damaged)).toThrow(InvariantError);
  });
});
