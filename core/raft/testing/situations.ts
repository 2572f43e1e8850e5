import { Raft } from '../raft.js';
import type { AppendEntriesRequest, Entry, Message, VoteRequest } from '../types.js';
import { entry, settle, testOptions, votersOnly } from './raft-fixture.js';
import { ScriptedCluster } from './scripted-cluster.js';

/** Three members, of whom 1 leads in term 2 with an empty entry at 2. */
export function threeLedByOne(options: object = {}): ScriptedCluster {
  const cluster = new ScriptedCluster([1n, 2n, 3n], options);
  cluster.elect(1n);
  cluster.tell();
  return cluster;
}

/** Member 1 of three, whose log ends with these terms, one entry each. */
export function followerWith(terms: readonly number[], { term = 5, commitIndex = 0 } = {}): Raft {
  const entries = terms.map((each, position) => entry(position + 1, each, `${position + 1}`));
  return new Raft(
    testOptions({
      hardState: { term, votedFor: 0n, commitIndex },
      log: { firstIndex: 1, previousTerm: 0, entries },
      configuration: votersOnly(1n, 2n, 3n),
    }),
  );
}

/** What a member says once everything is durable. */
export function answersOf(raft: Raft): readonly Message[] {
  return settle(raft).flatMap(({ messages, append }) => [...messages, ...(append?.messages ?? [])]);
}

/** An append of the leader 2 in term 5 to member 1. */
export function append(previous: readonly [index: number, term: number], entries: readonly Entry[], rest: object = {}) {
  const [previousIndex, previousTerm] = previous;
  const envelope = { type: 'appendEntries', from: 2n, to: 1n, term: 5 } as const;
  return { ...envelope, previousIndex, previousTerm, entries, commitIndex: 0, ...rest } as AppendEntriesRequest;
}

/** A request of member 2 for the vote of member 1 in term 6. */
export function vote(last: readonly [index: number, term: number], rest: object = {}): VoteRequest {
  const [lastIndex, lastTerm] = last;
  return { type: 'requestVote', from: 2n, to: 1n, term: 6, lastIndex, lastTerm, transfer: false, ...rest };
}
