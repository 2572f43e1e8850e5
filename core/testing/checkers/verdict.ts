import type { Operation } from './history/operation.js';

/** What a checker says of a history. `unknown` is not a pass: it could not tell, and says why. */
export type Verdict =
  | { readonly verdict: 'ok'; readonly judgedCount: number }
  | { readonly verdict: 'violation'; readonly what: string; readonly witness: readonly Operation[] }
  | { readonly verdict: 'unknown'; readonly why: string };

/** @throws with what was found, and the operations that show it, unless the verdict is `ok` */
export function assertOk(verdict: Verdict): void {
  if (verdict.verdict !== 'ok') throw new Error(describe(verdict));
}

/** The verdict in words, with its witness, for a reader. */
export function describe(verdict: Verdict): string {
  switch (verdict.verdict) {
    case 'ok':
      return `ok: ${verdict.judgedCount} operations`;
    case 'unknown':
      return `unknown: ${verdict.why}`;
    case 'violation':
      return [
        `violation: ${verdict.what}`,
        ...verdict.witness.map((operation) => `  ${JSON.stringify(operation)}`),
      ].join('\n');
  }
}
