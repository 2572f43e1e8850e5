import { beforeEach, describe, expect, test } from '@jest/globals';
import { toBytes } from '../../../base/bytes.js';
import { encodeConfiguration } from '../../../raft/configuration.js';
import type { Append, Configuration, Entry, HardState, MemberId, Ready } from '../../../raft/types.js';
import { RaftInvariants } from './raft-invariants.js';
import type { ObservedRaft } from './raft-witness.js';

const VOTERS: readonly MemberId[] = [1n, 2n, 3n];
const THREE: Configuration = { voters: VOTERS, learners: [] };
const NOTHING: Ready = { messages: [], committed: [], readStates: [], snapshotsWanted: [] };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function configuration(index: number, term: number, of: Configuration): Entry {
  return { index, term, kind: 'configuration', data: encodeConfiguration(of, toBytes('')) };
}

function entry(index: number, term: number, text = `${index}/${term}`): Entry {
  return { index, term, data: toBytes(text) };
}

/** A raft that says whatever a test has it say. */
class SaidRaft implements Mutable<ObservedRaft> {
  role: ObservedRaft['role'] = 'follower';
  term = 1;
  configuration = THREE;
  lastIndex = 1;
  commitIndex = 1;
  hasPendingConfiguration = false;
  appliedIndex = 1;
  says: Ready = NOTHING;

  ready = () => this.says;
  appended = (_append: Append) => undefined;
  readIndex = (_context: number) => undefined;
}

const FIRST = configuration(1, 1, THREE);

/** Members who do what the test says, and are watched. */
class Stage {
  readonly found: string[] = [];
  readonly committed: number[] = [];
  readonly invariants = new RaftInvariants({
    report: (what) => this.found.push(what),
    onCommitted: ({ index }) => this.committed.push(index),
  });
  readonly rafts = new Map<MemberId, SaidRaft>();
  unsyncedBytes = 0;

  begin(id: MemberId, hardState: Partial<HardState> = {}, entries: readonly Entry[] = [FIRST], incarnation = 7n): void {
    const raft = new SaidRaft();
    this.rafts.set(id, raft);
    this.invariants.begins({
      identity: { memberId: id, incarnation },
      raft,
      hardState: { term: 1, votedFor: 0n, commitIndex: 1, ...hardState },
      storedLog: { firstIndex: 1, previousTerm: 0, entries },
      unsyncedBytes: () => this.unsyncedBytes,
    });
  }

  raft(id: MemberId): SaidRaft {
    return this.rafts.get(id) as SaidRaft;
  }

  append(id: MemberId, part: Partial<Append>): void {
    const append = { entries: [], messages: [], ...part };
    this.handOut(id, { append });
    this.raft(id).appended(append);
  }

  handOut(id: MemberId, part: Partial<Ready>): void {
    this.raft(id).says = { ...NOTHING, ...part };
    this.raft(id).ready();
  }

  vote(by: MemberId, votedFor: MemberId, term: number): void {
    this.append(by, { hardState: { term, votedFor, commitIndex: 1 } });
  }

  lead(id: MemberId, term: number, part: Partial<SaidRaft> = {}): void {
    Object.assign(this.raft(id), { role: 'leader', term, ...part });
    this.invariants.changed(id);
  }

  /** Member 1 leads in term 2, by the votes of 1 and 2. */
  elected(): void {
    for (const id of VOTERS) this.begin(id);
    for (const id of [1n, 2n]) this.vote(id, 1n, 2);
    this.lead(1n, 2);
  }

  /** And has an entry at 2, on 1 and 2, and committed. */
  ledOn(): void {
    this.elected();
    for (const id of [1n, 2n]) this.append(id, { entries: [entry(2, 2)] });
    this.lead(1n, 2, { commitIndex: 2, lastIndex: 2 });
  }
}

let stage: Stage;

beforeEach(() => {
  stage = new Stage();
});

const finding = (what: string) => [expect.stringContaining(what)];

test('what is as it must be is no finding', () => {
  stage.ledOn();
  stage.begin(2n, { term: 2, votedFor: 1n }, [FIRST, entry(2, 2)]);
  stage.raft(1n).readIndex(5);
  stage.handOut(1n, { readStates: [{ context: 5, index: 2 }] });

  expect(stage.found).toEqual([]);
  expect(stage.committed).toEqual([1, 2]);
});

describe('election safety', () => {
  test('a leader without the durable votes of a majority is found', () => {
    for (const id of VOTERS) stage.begin(id);
    stage.vote(1n, 1n, 2);
    stage.lead(1n, 2);
    expect(stage.found).toEqual(finding('a majority has voted for a leader'));
  });

  test('two leaders in a term are found', () => {
    stage.elected();
    stage.vote(3n, 3n, 2);
    stage.lead(3n, 2);
    expect(stage.found).toEqual(finding('a term has one leader'));
  });

  test('a second vote in a term is found, also after a restart', () => {
    stage.elected();
    stage.vote(2n, 3n, 2);
    expect(stage.found).toEqual(finding('a member votes once in a term'));

    stage.begin(1n, { term: 2, votedFor: 2n });
    expect(stage.found).toHaveLength(2);
  });

  test('a vote or a term that a restart forgets is found', () => {
    stage.elected();
    stage.begin(1n, { term: 2, votedFor: 0n });
    stage.begin(2n, { term: 1 });
    expect(stage.found).toEqual([
      ...finding('a vote is remembered over a restart'),
      ...finding('a term does not fall over a restart'),
    ]);
  });
});

describe('the log', () => {
  test('an entry of the same index and term with another content is found', () => {
    stage.elected();
    stage.append(1n, { entries: [entry(2, 2)] });
    stage.append(2n, { entries: [entry(2, 2, 'another')] });
    expect(stage.found).toEqual(finding('an index and a term name one log'));
  });

  test('a durable entry that is not there after a restart is found', () => {
    stage.ledOn();
    stage.begin(2n, { term: 2, votedFor: 1n }, [FIRST]);
    expect(stage.found).toEqual(finding('what was durable is still there after a restart'));
  });

  test('a durable entry that is another after a restart is found', () => {
    stage.ledOn();
    stage.begin(2n, { term: 2, votedFor: 1n }, [FIRST, entry(2, 1)]);
    expect(stage.found).toEqual(finding('what was durable is the same after a restart'));
  });

  test('an append under way may have come through, and may have overwritten what was there', () => {
    stage.elected();
    stage.append(3n, { entries: [entry(2, 1)] });
    stage.handOut(3n, { append: { entries: [entry(2, 2)], messages: [] } });
    stage.begin(3n, {}, [FIRST, entry(2, 2)]);
    expect(stage.found).toEqual([]);
  });

  test('what is called durable and is not synced is found', () => {
    stage.elected();
    stage.unsyncedBytes = 12;
    stage.append(1n, { entries: [entry(2, 2)] });
    expect(stage.found).toEqual(finding('12 bytes are not synced'));
  });
});

describe('commits', () => {
  test('a commit of what no majority holds durably is found', () => {
    stage.elected();
    stage.append(1n, { entries: [entry(2, 2)] });
    stage.lead(1n, 2, { commitIndex: 2, lastIndex: 2 });
    expect(stage.found).toEqual(finding('what is committed is durable on a majority'));
  });

  test('a commit by the acknowledgement of one whose disk was wiped since is no finding', () => {
    stage.elected();
    for (const id of [1n, 2n]) stage.append(id, { entries: [entry(2, 2)] });
    for (const _ of ['wiped', 'and started once more']) stage.begin(2n, { term: 0, commitIndex: 0 }, [FIRST], 8n);
    stage.lead(1n, 2, { commitIndex: 2, lastIndex: 2 });
    expect(stage.found).toEqual([]);
  });

  test('a commit of what one lacked already when its disk was wiped is found', () => {
    stage.elected();
    stage.append(1n, { entries: [entry(2, 2)] });
    stage.begin(2n, { term: 0, commitIndex: 0 }, [FIRST], 8n);
    stage.lead(1n, 2, { commitIndex: 2, lastIndex: 2 });
    expect(stage.found).toEqual(finding('what is committed is durable on a majority'));
  });

  test('a follower that knows of a commit before a leader is found', () => {
    stage.elected();
    stage.raft(3n).commitIndex = 2;
    stage.invariants.changed(3n);
    expect(stage.found).toEqual(finding('nobody knows of a commit before a leader'));
  });

  test('a leader that commits and hears of a later term in one step is no finding', () => {
    stage.elected();
    for (const id of [1n, 2n]) stage.append(id, { entries: [entry(2, 2)] });
    Object.assign(stage.raft(1n), { role: 'follower', term: 3, commitIndex: 2, lastIndex: 2 });
    stage.invariants.changed(1n);
    expect(stage.found).toEqual([]);
  });

  test('one that led until the step before, and knows of a commit before the leader, is found', () => {
    stage.elected();
    for (const id of [1n, 2n]) stage.append(id, { entries: [entry(2, 2)] });
    Object.assign(stage.raft(1n), { role: 'follower', term: 3, lastIndex: 2 });
    stage.invariants.changed(1n);
    stage.raft(1n).commitIndex = 2;
    stage.invariants.changed(1n);
    expect(stage.found).toEqual(finding('nobody knows of a commit before a leader'));
  });

  test('a leader that lacks what was committed before its term is found', () => {
    stage.ledOn();
    stage.append(3n, { entries: [entry(2, 1)] });
    for (const id of [2n, 3n]) stage.vote(id, 3n, 3);
    stage.lead(3n, 3);
    expect(stage.found).toEqual(finding('a leader has what was committed before its term'));
  });

  test('what is handed out to be applied and is not committed is found', () => {
    stage.elected();
    stage.append(1n, { entries: [entry(2, 2)] });
    stage.handOut(1n, { committed: [entry(2, 2)] });
    expect(stage.found).toEqual(finding('what is handed out to be applied is committed'));
  });

  test('a snapshot of what is not committed is found', () => {
    stage.elected();
    stage.append(3n, { snapshot: { index: 5, term: 2, configuration: THREE } });
    expect(stage.found).toEqual(finding('which is not committed'));
  });
});

test('an answer to a read that is older than what was committed when it was asked for is found', () => {
  stage.ledOn();
  stage.raft(1n).readIndex(5);
  stage.handOut(1n, { readStates: [{ context: 5, index: 1 }] });
  expect(stage.found).toEqual(finding('a read sees what was committed before it'));
});

describe('the members', () => {
  test('a change to those whose majorities need not meet the old ones is found', () => {
    stage.ledOn();
    const five = configuration(3, 2, { voters: [3n, 4n, 5n], learners: [] });
    for (const id of [1n, 2n]) stage.append(id, { entries: [five] });
    stage.lead(1n, 2, { commitIndex: 3, lastIndex: 3 });
    expect(stage.found).toEqual(finding('quorums of configurations that follow each other intersect'));
  });

  test('a joint configuration leads there in two steps', () => {
    stage.ledOn();
    const joint = configuration(3, 2, { voters: [1n, 4n, 5n], outgoing: VOTERS, learners: [] });
    for (const id of [1n, 2n]) stage.append(id, { entries: [joint] });
    stage.lead(1n, 2, { commitIndex: 3, lastIndex: 3 });
    for (const id of [1n, 2n]) stage.append(id, { entries: [configuration(4, 2, { voters: [1n, 4n], learners: [] })] });
    stage.lead(1n, 2, { commitIndex: 4, lastIndex: 4 });
    expect(stage.found).toEqual([]);
  });

  test('a second change while one is under way is found', () => {
    stage.ledOn();
    stage.append(1n, { entries: [configuration(3, 2, { voters: [1n, 2n], learners: [3n] })] });
    stage.append(1n, { entries: [configuration(4, 2, { voters: [1n], learners: [] })] });
    expect(stage.found).toEqual(finding('one change of the members is under way at a time'));
  });

  test('a change by a leader that has committed nothing in its term is found', () => {
    stage.elected();
    stage.append(1n, { entries: [configuration(2, 2, { voters: [1n, 2n], learners: [3n] })] });
    expect(stage.found).toEqual(finding('once it has committed in its term'));
  });

  test('a learner does not count', () => {
    for (const id of VOTERS) stage.begin(id);
    const learning: Configuration = { voters: [1n, 2n, 4n], learners: [3n] };
    for (const id of [1n, 3n]) stage.vote(id, 1n, 2);
    stage.lead(1n, 2, { configuration: learning });
    expect(stage.found).toEqual(finding('a majority has voted for a leader'));
  });
});
