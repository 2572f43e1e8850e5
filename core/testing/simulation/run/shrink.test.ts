import { describe, expect, it } from '@jest/globals';
import { shrink } from './shrink.js';

const TWENTY = Array.from({ length: 20 }, (_, at) => at);

/** A world that fails if all of these happen. */
function failsWith(...needed: readonly number[]) {
  const runs: (readonly number[])[] = [];
  const stillFails = async (items: readonly number[]) => {
    runs.push(items);
    return needed.every((item) => items.includes(item));
  };
  return { runs, stillFails };
}

describe('shrink', () => {
  it.each([[[7]], [[0]], [[19]], [[3, 15]], [[0, 9, 10, 19]], [[4, 5, 6]]])(
    'leaves %p, which are needed',
    async (needed) => {
      const { stillFails } = failsWith(...needed);

      const shrunk = await shrink(TWENTY, stillFails, 500);

      expect(shrunk).toMatchObject({ items: needed, isMinimal: true });
    },
  );

  it('leaves nothing where it fails without any', async () => {
    const { stillFails } = failsWith();

    expect(await shrink(TWENTY, stillFails, 500)).toMatchObject({ items: [], isMinimal: true });
  });

  it('needs far fewer runs for one of many than there are subsets', async () => {
    const { runs, stillFails } = failsWith(13);

    const { runCount } = await shrink(TWENTY, stillFails, 500);

    expect(runCount).toBe(runs.length);
    expect(runCount).toBeLessThan(20);
  });

  it('stops when the runs are used up, with what still fails', async () => {
    const { stillFails } = failsWith(3, 15);

    const shrunk = await shrink(TWENTY, stillFails, 4);

    expect(shrunk).toMatchObject({ runCount: 4, isMinimal: false });
    expect(shrunk.items).toEqual(expect.arrayContaining([3, 15]));
  });

  it('leaves out one that was needed only by another that is gone', async () => {
    // 1 alone fails; with 2, only if 0 is there as well.
    const stillFails = async (items: readonly number[]) =>
      items.includes(1) && (!items.includes(2) || items.includes(0));

    expect(await shrink([0, 1, 2], stillFails, 100)).toMatchObject({ items: [1], isMinimal: true });
  });
});
