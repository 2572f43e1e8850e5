/** What came of shrinking. */
export interface Shrunk<Item> {
  readonly items: readonly Item[];
  /** How often it was tried with fewer. */
  readonly runCount: number;
  /** Whether none of the items can be left out; otherwise the runs did not suffice to say. */
  readonly isMinimal: boolean;
}

/**
 * Leaves out what a failure does not need: first halves, then ever smaller parts, at last single items, until nothing more
 * can be left out or `runsMax` runs were made.
 *
 * @param stillFails - whether these items make it fail in the same way
 *
 * @remarks Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input" (ddmin, complements only).
 */
export async function shrink<Item>(
  items: readonly Item[],
  stillFails: (fewer: readonly Item[]) => Promise<boolean>,
  runsMax: number,
): Promise<Shrunk<Item>> {
  let left = items;
  let runCount = 0;
  let partSize = Math.ceil(left.length / 2);
  while (left.length > 0) {
    let isSmaller = false;
    for (let from = 0; from < left.length;) {
      if (runCount >= runsMax) return { items: left, runCount, isMinimal: false };
      const fewer = [...left.slice(0, from), ...left.slice(from + partSize)];
      runCount += 1;
      if (await stillFails(fewer)) {
        left = fewer;
        isSmaller = true;
      } else from += partSize;
    }
    if (partSize === 1 && !isSmaller) return { items: left, runCount, isMinimal: true };
    // Once single items were left out, those before them may have become needless.
    partSize = Math.max(1, Math.ceil(Math.min(partSize, left.length) / 2));
  }
  return { items: left, runCount, isMinimal: true };
}
