import { assert } from '../../../base/assert.js';
import { decodeConfiguration } from '../../../raft/configuration.js';
import { isQuorum, votersOf } from '../../../raft/quorum.js';
import type { Configuration, Entry } from '../../../raft/types.js';
import type { RaftWitness } from './raft-witness.js';

/** The configuration in an entry, if it is one. */
export function configurationOf({ kind, data }: Entry): Configuration | undefined {
  return kind === 'configuration' ? decodeConfiguration(data).configuration : undefined;
}

/** Whether no two groups that share nobody can decide, the one by the one configuration, the other by the other. */
export function quorumsIntersect(one: Configuration, other: Configuration): boolean {
  const voters = [...new Set([...votersOf(one), ...votersOf(other)])];
  for (let group = 0; group < 2 ** voters.length; group += 1) {
    const isIn = (id: bigint) => (group & (1 << voters.indexOf(id))) !== 0;
    if (isQuorum(one, isIn) && isQuorum(other, (id) => !isIn(id))) return false;
  }
  return true;
}

/**
 * Who may decide changes step by step: quorums before and after a step intersect, one step is under way at a time, and
 * a leader begins one only when it has committed an entry of its own term (Ongaro 2014, section 4.1, and the erratum of
 * 2015 about changes by one).
 */
export class Configurations {
  #committed: Configuration | undefined;

  /** An entry is committed. */
  committed(entry: Entry): void {
    const configuration = configurationOf(entry);
    if (configuration === undefined) return;
    const before = this.#committed;
    assert(
      before === undefined || quorumsIntersect(before, configuration),
      'quorums of configurations that follow each other intersect',
    );
    this.#committed = configuration;
  }

  /** A leader hands out entries of its own to be made durable. */
  leaderAppends(
    { disk, raft }: RaftWitness,
    entries: readonly Entry[],
    committed: { readonly index: number; readonly term: number | undefined },
  ): void {
    const pending = entries.filter(({ kind, index }) => kind === 'configuration' && index > committed.index);
    if (pending.length === 0) return;
    const first = (entries[0] as Entry).index;
    const earlier = disk.entries.filter(
      ({ kind, index }) => kind === 'configuration' && index > committed.index && index < first,
    );
    assert(earlier.length + pending.length === 1, 'one change of the members is under way at a time');
    // What ends a joint configuration is no new change.
    if (this.#committed?.outgoing !== undefined || pending[0]?.term !== raft?.term) return;
    assert(committed.term === raft?.term, 'a leader changes the members only once it has committed in its term');
  }
}
