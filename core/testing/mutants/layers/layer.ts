/**
 * What can be asked whether a program is right. `fuzz:` is followed by a target, `nemesis:` by a drill, `jest:` by a test
 * file or a folder.
 */
export type LayerName = 'raft' | 'sim' | 'crash-points' | `fuzz:${string}` | `nemesis:${string}` | `jest:${string}`;

/**
 * - `quiet`: it found nothing.
 * - `caught`: it reported, by its own words, that something is not as it should be.
 * - `broken`: it could not tell: it did not start, or ended otherwise than it should.
 */
export type Verdict = 'quiet' | 'caught' | 'broken';

/** What became of asking a layer. */
export interface Finding {
  readonly verdict: Verdict;
  /** What it said. */
  readonly said: string;
  /** How much it took: seeds, cases, tests. */
  readonly took?: { readonly count: number; readonly unit: string };
  readonly seconds: number;
}

/** A way to find out whether a program is right. It runs in processes of its own. */
export interface Layer {
  readonly name: LayerName;
  /** Why it cannot be asked, if it cannot. */
  readonly missing: string | undefined;
  /** @param environment - of its processes, beside this one's: by it they become a mutant, or stay as they are */
  ask(environment: Readonly<Record<string, string>>): Promise<Finding>;
}
