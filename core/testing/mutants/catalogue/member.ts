import type { Mutant } from '../mutant.js';

/** What a member makes of raft's decisions: answers, snapshots, comparisons. */
export const MEMBER_MUTANTS: readonly Mutant[] = [
  {
    name: 'anothers-entry-answers',
    rows: [],
    what: 'a write is answered with the result of the entry that another leader put in its place',
    file: 'core/member/waiters.ts',
    find: `      if (waiter.term === entry.term) answer(waiter, applied);`,
    replace: `      if (applied !== undefined) answer(waiter, applied);`,
    layers: ['sim', 'jest:core/member/waiters.test.ts'],
  },
  {
    name: 'unknown-called-undone',
    rows: [89],
    what: 'a write whose time is over is said not to have been done, though it may yet be',
    file: 'core/member/waiters.ts',
    find: `    this.#reject((waiter) => (waiter.sweep <= upTo ? new OutcomeUnknownError('the write') : undefined));`,
    replace: `    this.#reject((waiter) => (waiter.sweep <= upTo ? replaced() : undefined));`,
    layers: ['sim', 'jest:core/member/waiters.test.ts'],
  },
  {
    name: 'forwarded-twice',
    rows: [89],
    what: 'a write that was handed to a leader which is gone is handed to the next one',
    file: 'core/member/proposals.ts',
    find: `      if (!isConnected(handed.to)) this.#giveUp(request, handed);
      else handed`,
    replace: `      if (!isConnected(handed.to)) {
        this.#forget(request, handed);
        this.#queue.unshift(...handed.proposals);
      } else handed`,
    layers: ['sim', 'jest:core/member/proposals.test.ts', 'jest:core/member/cluster.test.ts'],
  },
  {
    name: 'refused-and-yet-proposed',
    rows: [89],
    what: 'a leader that took a part of what was forwarded says that it took nothing',
    file: 'core/member/proposals.ts',
    find: `        if (accepted === 0) firstIndex = index;
        accepted += 1;`,
    replace: `        if (accepted === 0) firstIndex = index;
        accepted += index > firstIndex || commands.length === 1 ? 1 : 0;`,
    layers: ['sim', 'jest:core/member/proposals.test.ts'],
  },
  {
    name: 'apply-goes-on-during-an-install',
    rows: [4],
    what: 'a snapshot takes the place of a state to which entries are still being applied',
    file: 'core/member/state-in-force.ts',
    find: `      await idle();
`,
    replace: ``,
    layers: ['crash-points', 'sim', 'jest:core/member/snapshots.test.ts'],
  },
  {
    name: 'scrub-goes-on-during-an-install',
    rows: [4],
    what: 'a snapshot takes the place of a state of which records are being freed and whose log is being compacted',
    file: 'core/member/state-in-force.ts',
    find: `      await this.hold();
`,
    replace: ``,
    layers: ['crash-points', 'sim', 'jest:core/member/snapshots.test.ts'],
  },
  {
    name: 'divergence-unnoticed',
    rows: [1, 9],
    what: "members' states are compared, and nothing is done about a difference",
    file: 'core/member/divergence.ts',
    find: `      if (hash === undefined || hash === agreed) continue;`,
    replace: `      if (hash === undefined || agreed !== undefined) continue;`,
    layers: ['sim', 'jest:core/member/divergence.test.ts'],
  },
  {
    name: 'hash-without-values',
    rows: [1],
    what: 'the hash by which members compare their states does not take in the values',
    file: 'core/machine/running-hash.ts',
    find: `    this.#word(value.length);
    this.#bytes(value);`,
    replace: `    this.#word(value.length);`,
    layers: ['sim', 'jest:core/machine/running-hash.test.ts'],
  },
  {
    name: 'snapshot-of-an-old-term-taken',
    rows: [36],
    what: 'a snapshot that a deposed leader sends is received all the same',
    file: 'core/member/snapshots-received.ts',
    find: `    if (announcement.term < raft.term)
      throw new UnavailableError(\`the snapshot is of term \${announcement.term}, which is over\`);
`,
    replace: ``,
    layers: ['sim', 'jest:core/member/snapshots-received.test.ts'],
  },
  {
    name: 'anothers-message-believed',
    rows: [23],
    what: 'a member is believed when it speaks in the name of another one',
    file: 'core/member/peer-traffic.ts',
    find: `        if (message.from === from) replica.raft.step(message);`,
    replace: `        replica.raft.step(message);`,
    layers: ['jest:core/member/peer-traffic.test.ts', 'sim'],
  },
];
