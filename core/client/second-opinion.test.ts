import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { CallFailure } from './call-failure.js';
import type { Connection } from './connection.js';
import { answersWell, type Opinion, opinionOf, outdone } from './second-opinion.js';

const PATIENCE_MS = 200;

/** An endpoint that answers the question when the test lets it. */
function endpoint(): { connection: Connection; answer: () => void; fail: (failure: CallFailure) => void } {
  let answer = () => {};
  let fail: (failure: CallFailure) => void = () => {};
  const answered = new Promise<void>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  const connection = { name: 'it', unary: () => answered } as unknown as Connection;
  return { connection, answer: () => answer(), fail: (failure) => fail(failure) };
}

/** Two endpoints that are asked at the same moment, and what comes of it. */
function asked() {
  const clock = new ManualClock();
  const [suspect, other] = [endpoint(), endpoint()];
  const { signal } = new AbortController();
  const state: { verdict?: Opinion | 'kept' } = {};
  const settled = outdone(suspect.connection, opinionOf(other.connection, clock, signal), {
    clock,
    patienceMs: PATIENCE_MS,
    signal,
  });
  void settled.then((opinion) => (state.verdict = opinion ?? 'kept'));
  return { clock, suspect, other, state };
}

const noLeader = () => new CallFailure('refused', 'no leader', true, { isSick: true });
const denied = () => new CallFailure('refused', 'permission denied', false);

describe('an endpoint that is suspected', () => {
  test('is kept if it answers first', async () => {
    const { clock, suspect, state } = asked();

    suspect.answer();
    await clock.advance(0);

    expect(state.verdict).toBe('kept');
    expect(clock.timerCount).toBe(0);
  });

  test('is kept if it answers within the patience after the question, though another was first', async () => {
    const { clock, suspect, other, state } = asked();
    await clock.advance(2);
    other.answer();
    await clock.advance(PATIENCE_MS - 3);

    suspect.answer();
    await clock.advance(0);

    expect(state.verdict).toBe('kept');
  });

  test('is outdone if it has not answered by then', async () => {
    const { clock, other, state } = asked();
    await clock.advance(2);
    other.answer();
    await clock.advance(PATIENCE_MS - 3);
    expect(state.verdict).toBeUndefined();

    await clock.advance(1);

    expect(state.verdict).toEqual({ connection: other.connection, tookMs: 2 });
  });

  test('has three times as long as the other took', async () => {
    const { clock, other, state } = asked();
    await clock.advance(100);
    other.answer();
    await clock.advance(199);
    expect(state.verdict).toBeUndefined();

    await clock.advance(1);

    expect(state.verdict).toMatchObject({ tookMs: 100 });
  });

  test('is outdone as soon as another answers, if it says itself that it cannot serve', async () => {
    const { clock, suspect, other, state } = asked();
    suspect.fail(noLeader());
    await clock.advance(50);
    expect(state.verdict).toBeUndefined();

    other.answer();
    await clock.advance(0);

    expect(state.verdict).toMatchObject({ connection: other.connection });
  });

  test('is kept if nobody else serves either', async () => {
    const { clock, suspect, other, state } = asked();
    suspect.fail(noLeader());
    other.fail(noLeader());
    await clock.advance(0);

    expect(state.verdict).toBe('kept');
  });
});

test('a refusal is an answer like any other; to be unable to serve is none', async () => {
  const [refusing, leaderless] = [endpoint(), endpoint()];
  refusing.fail(denied());
  leaderless.fail(noLeader());

  expect(await answersWell(refusing.connection)).toBe(true);
  expect(await answersWell(leaderless.connection)).toBe(false);
});
