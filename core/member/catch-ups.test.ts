import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { FollowerProgress } from '../raft/progress.js';
import { CatchUps } from './catch-ups.js';

/** Followers as a test says, and what was warned of. */
function setUp() {
  let followers: FollowerProgress[] = [];
  const warnings: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  const catchUps = new CatchUps({ progress: () => followers }, logger);
  const at = (...progress: Partial<FollowerProgress>[]) => {
    followers = progress.map((known) => ({
      id: 2n,
      matchedIndex: 0,
      state: 'replicate',
      isActive: true,
      isLearner: false,
      ...known,
    }));
  };
  return { catchUps, warnings, at };
}

describe('the log is kept from a snapshot on', () => {
  test('while it is on its way, and from then on from where the follower is', () => {
    const { catchUps, at } = setUp();
    at({ state: 'snapshot', matchedIndex: 3 });
    catchUps.begin(2n, 100);
    expect(catchUps.mayLetGoTo(150)).toBe(100);

    at({ matchedIndex: 130 });

    expect(catchUps.mayLetGoTo(150)).toBe(130);
    expect(catchUps.mayLetGoTo(120)).toBe(120);
  });

  test('until the follower has what the log would keep anyway', () => {
    const { catchUps, at } = setUp();
    at({});
    catchUps.begin(2n, 100);
    at({ matchedIndex: 150 });
    expect(catchUps.mayLetGoTo(150)).toBe(150);
    expect(catchUps.mayLetGoTo(500)).toBe(500);
  });

  test('for the one that is the farthest behind', () => {
    const { catchUps, at } = setUp();
    at({ id: 2n }, { id: 3n });
    catchUps.begin(2n, 100);
    catchUps.begin(3n, 80);
    expect(catchUps.mayLetGoTo(150)).toBe(80);
    catchUps.end(3n);
    expect(catchUps.mayLetGoTo(150)).toBe(100);
  });

  test.each([
    ['is not heard from', [{ isActive: false }]],
    ['has left', [{ id: 3n }]],
    ['is led by another member now', []],
  ])('not for one that %s', (_what, progress: Partial<FollowerProgress>[]) => {
    const { catchUps, at } = setUp();
    catchUps.begin(2n, 100);
    at(...progress);
    expect(catchUps.mayLetGoTo(150)).toBe(150);
    at({});
    expect(catchUps.mayLetGoTo(150)).toBe(150);
  });

  test('no longer when too much has gathered, of which the operator is told', () => {
    const { catchUps, warnings, at } = setUp();
    at({});
    catchUps.begin(2n, 100);

    catchUps.giveUp(1_000);

    expect(catchUps.mayLetGoTo(150)).toBe(150);
    expect(warnings).toEqual([{ followers: ['2'], heldBytes: 1_000 }]);
  });
});
