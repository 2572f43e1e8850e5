import { toText } from '../../../base/bytes.js';
import { Election } from '../../../../recipes/election/election.js';
import { parseObject } from '../../../../recipes/metadata.js';
import type { Chronicle } from '../invariants/chronicle.js';
import type { Exclusive } from './exclusive-user.js';
import { keepAtIt, type Surroundings } from './surroundings.js';

/** Everybody who ever stood in an election, by the number of the leadership that it would have. */
export class Candidacies {
  readonly #values = new Map<number, unknown>();

  constructor(of: Exclusive, chronicle: Chronicle) {
    chronicle.listen({
      revision: (_, events) => {
        for (const { type, kv } of events) {
          if (type === 'put' && toText(kv.key).startsWith(of.linePrefix))
            this.#values.set(kv.createRevision, parseObject(kv.value)?.['value']);
        }
      },
    });
  }

  /** @returns what is wrong with the news that somebody leads */
  wrongIn(term: number, value: unknown): string | undefined {
    if (!this.#values.has(term)) return `nobody stood for term ${term}`;
    const right = this.#values.get(term);
    return right === value ? undefined : `the leader of term ${term} is ${String(right)}, and not ${String(value)}`;
  }
}

/** Follows who leads: leaders come in the order in which they stood, and each did stand. */
export async function observer(of: Exclusive, candidacies: Candidacies, surroundings: Surroundings): Promise<void> {
  const { store, name, signal, verdict, count } = surroundings;
  const election = new Election<string>(store, { name: of.name, ttl: of.ttlMs });
  await keepAtIt(surroundings, name, async () => {
    let latestTerm = 0;
    for await (const leader of election.observe({ signal })) {
      if (leader === undefined) continue;
      count('leader observed');
      const wrong = candidacies.wrongIn(leader.term, leader.value);
      if (wrong !== undefined) verdict.violation(`${name}: ${wrong}`);
      if (leader.term < latestTerm) verdict.violation(`${name}: a leader of term ${leader.term} after ${latestTerm}`);
      latestTerm = leader.term;
    }
  });
  await election.dispose();
}
