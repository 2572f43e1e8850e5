import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '../testing/manual-clock.js';
import { CallFailure } from './call-failure.js';
import { type Owed, OwedAnswers } from './owed-answers.js';

function ledger() {
  const clock = new ManualClock();
  const told: string[] = [];
  const owed: OwedAnswers = new OwedAnswers(
    clock,
    { suspectMs: 300, timeoutMs: 1_000 },
    {
      suspect: () => told.push(`suspect at ${clock.now()}`),
      overdue: (call, sinceMs) => {
        told.push(`overdue at ${clock.now()}, since ${sinceMs}`);
        call.fail(CallFailure.lost('late'));
      },
    },
  );
  const ask = (isWrite = false): Owed & { failure?: CallFailure } => {
    const call: Owed & { failure?: CallFailure } = { isWrite, fail: (failure) => (call.failure = failure) };
    owed.add(call);
    return call;
  };
  return { clock, told, owed, ask };
}

describe('an answer', () => {
  test('that comes in time raises no suspicion, and leaves no timer behind', async () => {
    const { clock, told, owed, ask } = ledger();
    const call = ask();
    await clock.advance(299);

    expect(owed.delete(call)).toBe(true);
    expect(owed.delete(call)).toBe(false);
    expect(clock.timerCount).toBe(0);
    await clock.advance(10_000);

    expect(told).toEqual([]);
  });

  test('owed for long raises suspicion, again and again until it is given up', async () => {
    const { clock, told, ask } = ledger();
    const call = ask();

    await clock.advance(5_000);

    expect(told).toEqual(['suspect at 300', 'suspect at 600', 'suspect at 900', 'overdue at 1000, since 0']);
    expect(call.failure?.message).toBe('late');
  });

  test('is owed since it was asked for, though others came and went before', async () => {
    const { clock, told, owed, ask } = ledger();
    const first = ask();
    await clock.advance(250);
    ask();
    owed.delete(first);

    await clock.advance(299);
    expect(told).toEqual([]);
    await clock.advance(1);

    expect(told).toEqual(['suspect at 550']);
  });

  test('may be failed with all that are not writes', () => {
    const { owed, ask } = ledger();
    const [read, write] = [ask(false), ask(true)];

    owed.failAll(CallFailure.lost('left'), ({ isWrite }) => !isWrite);

    expect([read.failure?.message, write.failure]).toEqual(['left', undefined]);
  });
});
