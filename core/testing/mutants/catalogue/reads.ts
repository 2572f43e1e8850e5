import type { Mutant } from '../mutant.js';

/** Reads that must not be old. */
export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'read-without-a-round',
    rows: [41],
    what: 'a leader answers linearizable reads without hearing from a majority',
    file: 'core/raft/leadership.ts',
    find: `    if (roundId === 0 || !isQuorum(configuration, (id) => id === self || isConfirmed(id))) return;`,
    replace: `    if (roundId === 0 || !isQuorum(configuration, (id) => id === self || isConfirmed(id) || roundId > 0)) return;`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts'],
  },
  {
    name: 'read-confirmed-by-one-too-few',
    rows: [41],
    what: 'a round of reads is confirmed by one member less than a majority',
    file: 'core/raft/leadership.ts',
    find: `    if (roundId === 0 || !isQuorum(configuration, (id) => id === self || isConfirmed(id))) return;`,
    replace: `    const confirmed = configuration.voters.filter((id) => id === self || isConfirmed(id)).length;
    if (roundId === 0 || confirmed < Math.floor(configuration.voters.length / 2)) return;`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts'],
  },
  {
    name: 'read-by-lease',
    rows: [44],
    what: 'a leader answers reads because it heard from a majority within an election timeout',
    file: 'core/raft/leadership.ts',
    find: `    const isConfirmed = (id: bigint) => (this.replication.progressOf(id)?.confirmedRound ?? 0) >= roundId;`,
    replace: `    const isConfirmed = (id: bigint) =>
      (this.replication.progressOf(id)?.silentTicks ?? Infinity) < this.#options.electionTicks;`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts'],
  },
  {
    name: 'read-before-own-term-commit',
    rows: [42],
    what: 'a new leader answers reads before it has committed anything in its term',
    file: 'core/raft/leadership.ts',
    find: `    return this.#reads.hasWaiting && this.#state.hasCommittedInTerm;`,
    replace: `    return this.#reads.hasWaiting;`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts', 'jest:core/raft/paper.test.ts'],
  },
  {
    name: 'round-of-reads-reuses-its-id',
    rows: [43],
    what: 'a round with a single read has the id of the round before it, whose answers then confirm it',
    file: 'core/raft/read-only.ts',
    find: `    this.#lastRoundId += 1;`,
    replace: `    this.#lastRoundId += this.#lastRoundId === 0 || this.#waiting.length > 1 ? 1 : 0;`,
    layers: ['raft', 'sim', 'jest:core/raft/read-only.test.ts'],
  },
  {
    name: 'read-question-reuses-its-id-after-a-restart',
    rows: [43],
    what: "a follower's questions begin at the same id after a restart, so that an answer from before confirms a new one",
    file: 'core/raft/forwarded-reads.ts',
    find: `    this.#nextId = between(prng, 1, FIRST_ID_MAX);`,
    replace: `    this.#nextId = between(prng, 1, FIRST_ID_MAX) > 0 ? 1 : 0;`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts'],
  },
  {
    name: 'any-answer-confirms-a-read',
    rows: [43],
    what: 'a follower takes any answer about reads for the one to its last question',
    file: 'core/raft/forwarded-reads.ts',
    find: `    if (this.#asked?.id !== id) return [];`,
    replace: `    if (this.#asked === undefined || id === 0) return [];`,
    layers: ['raft', 'sim', 'jest:core/raft/reads.test.ts'],
  },
  {
    name: 'read-before-applied',
    rows: [44],
    what: 'a read that has its index is answered before the state has applied as much',
    file: 'core/member/reads.ts',
    find: `      if (round.index !== undefined && round.index <= appliedIndex) this.#make(this.#leave(round));`,
    replace: `      if (round.index !== undefined && appliedIndex >= 0) this.#make(this.#leave(round));`,
    layers: ['sim', 'jest:core/member/reads.test.ts'],
  },
  {
    name: 'read-joins-a-round-under-way',
    rows: [43],
    what: 'a read that begins while a round is under way is answered with it',
    file: 'core/raft/read-only.ts',
    find: `    this.#waiting.push(context);`,
    replace: `    if (this.#round !== undefined) (this.#round.contexts as number[]).push(context);
    else this.#waiting.push(context);`,
    layers: ['raft', 'sim', 'jest:core/raft/read-only.test.ts', 'jest:core/raft/reads.test.ts'],
  },
];
