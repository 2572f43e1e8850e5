import { describe, expect, test } from '@jest/globals';
import { NoLeaderError } from '../base/errors.js';
import { encodeCommand } from '../machine/codec.js';
import type { CommandResult } from '../machine/types.js';
import type { ForwardAnswer, ForwardRequest, PeerMessage } from '../peer/types.js';
import type { Raft } from '../raft/raft.js';
import type { Leadership } from './leadership.js';
import { Proposals } from './proposals.js';
import { Waiters } from './waiters.js';

const DATA = Uint8Array.of(1);
const COMMAND = encodeCommand({ type: 'leaseRevoke', id: 7n });

/** The proposals of a follower, member 1; who leads and who can be reached is the test's to say. */
function setUp() {
  const sent: (readonly [bigint, PeerMessage])[] = [];
  const state = { role: 'follower', leader: 2n as bigint | undefined, appliedIndex: 10, isLeaderless: false };
  const connected = new Set([2n, 3n]);
  const sweeps = { count: 0, before: (ms: number) => sweeps.count - ms / 500 };
  const waiters = new Waiters();
  const leadership = { isHandingOver: false, leaderless: () => (state.isLeaderless ? new NoLeaderError() : undefined) };
  const proposals = new Proposals({
    raft: state as unknown as Raft,
    waiters,
    leadership: { ...leadership, assertNotLeaderless: () => undefined } as unknown as Leadership,
    sweeps: sweeps as never,
    settings: { proposalsMax: 100, requestTimeoutMs: 5_000, electionTimeoutMs: 1_000 },
    appliedIndex: () => state.appliedIndex,
    isConnected: (id) => connected.has(id),
    send: (to, message) => sent.push([to, message]),
    wake: () => undefined,
  });
  const told: string[] = [];
  const propose = (name: string) =>
    proposals.propose(
      DATA,
      (result: CommandResult) => told.push(`${name}: ${result.type}`),
      (error: Error) => told.push(`${name}: ${(error as { code?: string }).code}`),
    );
  const forwards = () => sent.filter(([, { type }]) => type === 'forward') as [bigint, ForwardRequest][];
  const answer = (from: bigint, given: Partial<ForwardAnswer>) => {
    const [, { request }] = forwards().at(-1) as [bigint, ForwardRequest];
    proposals.onForwarded(from, { type: 'forwarded', request, term: 3, firstIndex: 0, accepted: 0, ...given });
  };
  const sweep = (count: number) => {
    sweeps.count = count;
    proposals.sweep();
  };
  return { proposals, state, sent, connected, waiters, told, propose, forwards, answer, sweep };
}

describe('proposals of a follower', () => {
  test('are handed to the leader once, and wait for the entries that it names', () => {
    const { proposals, waiters, propose, forwards, answer, told } = setUp();
    propose('a');
    propose('b');
    proposals.flush();
    proposals.flush();
    expect(forwards().map(([to, { commands }]) => [to, commands.length])).toEqual([[2n, 2]]);

    answer(2n, { firstIndex: 11, accepted: 2 });

    expect(waiters.count).toBe(2);
    waiters.settle([{ index: 11, term: 3, data: DATA }], [{ index: 11, result: { type: 'put', revision: 5 } }]);
    expect(told).toEqual(['a: put']);
  });

  test('whose entries were applied before the answer came have lost their results', () => {
    const { proposals, state, propose, answer, told } = setUp();
    propose('a');
    propose('b');
    proposals.flush();
    state.appliedIndex = 11;

    answer(2n, { firstIndex: 11, accepted: 2 });

    expect(told).toEqual(['a: OUTCOME_UNKNOWN']);
    expect(proposals.count).toBe(1);
  });

  test('that a leader has not answered are never handed to the next one', () => {
    const { proposals, state, propose, forwards, told, sweep } = setUp();
    propose('a');
    proposals.flush();
    state.leader = 3n;

    proposals.leaderChanged();
    proposals.flush();
    sweep(1);
    expect(told).toEqual([]);
    sweep(2);
    proposals.flush();

    // An election timeout later nobody expects the answer any more.
    expect(told).toEqual(['a: OUTCOME_UNKNOWN']);
    expect(forwards()).toHaveLength(1);
  });

  test('that were handed to a leader whose connection is gone when another one leads are unknown at once', () => {
    const { proposals, state, connected, propose, told } = setUp();
    propose('a');
    proposals.flush();
    connected.delete(2n);
    state.leader = 3n;

    proposals.leaderChanged();

    expect(told).toEqual(['a: OUTCOME_UNKNOWN']);
  });

  test('that were handed to a process that has ended are unknown at once, and the others wait on', () => {
    const { proposals, connected, propose, told } = setUp();
    propose('a');
    proposals.flush();
    connected.delete(2n);
    propose('b');

    proposals.gone(2n);

    expect(told).toEqual(['a: OUTCOME_UNKNOWN']);
    expect(proposals.count).toBe(1);
  });

  test('that somebody refuses because it does not lead go to whoever does', () => {
    const { proposals, state, propose, forwards, answer, told } = setUp();
    propose('a');
    proposals.flush();

    answer(2n, { refusal: { code: 'NO_LEADER', message: 'not I' } });
    proposals.flush();
    expect(forwards()).toHaveLength(1);
    state.leader = 3n;
    proposals.leaderChanged();
    proposals.flush();

    expect(forwards().map(([to]) => to)).toEqual([2n, 3n]);
    answer(3n, { firstIndex: 11, accepted: 1 });
    expect(told).toEqual([]);
    expect(proposals.count).toBe(1);
  });

  test('of which the leader took the first only wait, or are refused, each for itself', () => {
    const { proposals, propose, answer, told, waiters } = setUp();
    propose('a');
    propose('b');
    proposals.flush();

    answer(2n, { firstIndex: 11, accepted: 1, refusal: { code: 'TOO_MANY_REQUESTS', message: 'full' } });

    expect(told).toEqual(['b: TOO_MANY_REQUESTS']);
    expect(waiters.count).toBe(1);
  });

  test('an answer from somebody who was not asked is none', () => {
    const { proposals, propose, answer, waiters } = setUp();
    propose('a');
    proposals.flush();

    answer(3n, { firstIndex: 11, accepted: 1 });

    expect(waiters.count).toBe(0);
    expect(proposals.count).toBe(1);
  });

  test('that wait while nobody leads are refused when that has lasted too long, and nothing was done', () => {
    const { proposals, state, propose, told, sweep } = setUp();
    state.leader = undefined;
    propose('a');
    proposals.flush();
    sweep(1);
    expect(told).toEqual([]);

    state.isLeaderless = true;
    sweep(2);

    expect(told).toEqual(['a: NO_LEADER']);
  });

  test('end when their time is over: as unknown if they were handed over, as not done if not', () => {
    const { proposals, connected, propose, told, sweep } = setUp();
    propose('handed over');
    proposals.flush();
    connected.delete(2n);
    propose('kept');
    sweep(13);
    expect(told).toEqual([]);

    sweep(14);

    expect(told).toEqual(['handed over: OUTCOME_UNKNOWN', 'kept: TIMEOUT']);
  });
});

test('a leader tells a follower how many of its commands it took before it refused one, and where the first stands', () => {
  const { proposals, state, sent } = setUp();
  let lastIndex = 40;
  const propose = () => {
    if (lastIndex === 42) throw new NoLeaderError();
    return { index: (lastIndex += 1), term: 3 };
  };
  Object.assign(state, { role: 'leader', term: 3, lastIndex, propose });

  proposals.onForward(2n, { type: 'forward', request: 7, commands: [COMMAND, COMMAND, COMMAND] });

  const answer = {
    type: 'forwarded',
    request: 7,
    term: 3,
    firstIndex: 41,
    accepted: 2,
    refusal: { code: 'NO_LEADER' },
  };
  expect(sent).toMatchObject([[2n, answer]]);
});

test('a leader does not take from a follower what no member could apply, nor anything after it', () => {
  const { proposals, state, sent } = setUp();
  const taken: Uint8Array[] = [];
  const propose = (data: Uint8Array) => ({ index: 40 + taken.push(data), term: 3 });
  Object.assign(state, { role: 'leader', term: 3, lastIndex: 40, propose });
  const cut = COMMAND.subarray(0, COMMAND.length - 1);

  proposals.onForward(2n, { type: 'forward', request: 7, commands: [COMMAND, cut, COMMAND] });

  expect(taken).toEqual([COMMAND]);
  expect(sent).toMatchObject([[2n, { firstIndex: 41, accepted: 1, refusal: { code: 'UNAVAILABLE' } }]]);
});
