import type { Mutant } from '../mutant.js';

/** Who belongs to the cluster, and who decides. */
export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'change-before-own-term-commit',
    rows: [38],
    what: 'a leader changes the members before it has committed anything in its term',
    file: 'core/raft/leadership.ts',
    find: `    if (!hasCommittedInTerm) throw new ConfigurationChangeError('the leader has committed nothing in its term yet');
`,
    replace: ``,
    layers: ['jest:core/raft/members.test.ts', 'raft', 'sim'],
  },
  {
    name: 'two-changes-at-once',
    rows: [38],
    what: 'a change of the members begins before the one before it is committed',
    file: 'core/raft/leadership.ts',
    find: `    if (configurations.index > commitIndex || configuration.outgoing !== undefined)
      throw`,
    replace: `    if (configurations.index > commitIndex && configuration.outgoing !== undefined)
      throw`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'two-voters-changed-directly',
    rows: [38],
    what: 'two voters come or go at once without a joint configuration',
    file: 'core/raft/configuration-change.ts',
    find: `  return came + went <= 1 ?`,
    replace: `  return came + went <= 2 ?`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'joint-left-early',
    rows: [40],
    what: 'a joint configuration ends as soon as anything is committed, though it is not committed itself',
    file: 'core/raft/leadership.ts',
    find: `    if (configuration.outgoing !== undefined && configurations.index <= index)`,
    replace: `    if (configuration.outgoing !== undefined && configurations.index >= 0)`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'joint-never-left-after-a-leader',
    rows: [40],
    what: 'a joint configuration that an earlier leader began is never ended',
    file: 'core/raft/leadership.ts',
    find: `    if (configuration.outgoing !== undefined && configurations.index <= index)`,
    replace: `    const { term, log } = this.#state;
    const isOwn = log.has({ index: configurations.index, term });
    if (configuration.outgoing !== undefined && configurations.index <= index && isOwn)`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'joint-dropped-at-restart',
    rows: [40],
    what: 'a member that restarts within a joint configuration knows only the new voters',
    file: 'core/raft/state.ts',
    find: `    this.configurations = new ConfigurationHistory({ index: appliedIndex, configuration });`,
    replace: `    const { voters, learners } = configuration;
    this.configurations = new ConfigurationHistory({ index: appliedIndex, configuration: { voters, learners } });`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'joint-dropped-in-a-snapshot',
    rows: [40],
    what: 'a member that gets a snapshot within a joint configuration knows only the new voters',
    file: 'core/raft/configuration-history.ts',
    find: `  restartAt(first: Standing): void {
    this.#standings = [{ index: first.index, configuration: first.configuration }];`,
    replace: `  restartAt(first: Standing): void {
    const { voters, learners } = first.configuration;
    this.#standings = [{ index: first.index, configuration: { voters, learners } }];`,
    layers: ['jest:core/raft/replication.test.ts', 'raft', 'sim'],
  },
  {
    name: 'joint-votes-of-the-new-only',
    rows: [40],
    what: 'within a joint configuration the new voters decide alone about leaders and reads',
    file: 'core/raft/quorum.ts',
    find: `  return isMajority(voters, agrees) && (outgoing === undefined || isMajority(outgoing, agrees));`,
    replace: `  return isMajority(voters, agrees) && (outgoing === undefined || outgoing.length > 0);`,
    layers: ['raft', 'sim', 'jest:core/raft/quorum.test.ts'],
  },
  {
    name: 'joint-commits-of-the-new-only',
    rows: [40],
    what: 'within a joint configuration copies on the new voters suffice for a commit',
    file: 'core/raft/quorum.ts',
    find: `  return outgoing === undefined ? index : Math.min(index, majorityIndex(outgoing, matchedIndex));`,
    replace: `  return outgoing === undefined ? index : Math.max(index, 0);`,
    layers: ['raft', 'sim', 'jest:core/raft/quorum.test.ts'],
  },
  {
    name: 'truncated-configuration-stays-in-force',
    rows: [40],
    what: 'a configuration whose entry was cut off stays in force',
    file: 'core/raft/state.ts',
    find: `    this.configurations.truncateFrom(index);
`,
    replace: ``,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'learner-counted',
    rows: [55],
    what: 'copies on learners count for a commit',
    file: 'core/raft/replication.ts',
    find: `    return quorumIndex(configuration, (id) =>`,
    replace: `    const { voters, learners } = configuration;
    return quorumIndex({ ...configuration, voters: [...new Set([...voters, ...learners])] }, (id) =>`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'removed-leader-leads-on',
    rows: [32, 53],
    what: 'a leader whose removal is committed does not resign',
    file: 'core/raft/leadership.ts',
    find: `    return !isVoter && configurations.index <= commitIndex;`,
    replace: `    return !isVoter && configurations.index > commitIndex + 1_000_000;`,
    layers: ['raft', 'sim', 'jest:core/raft/members.test.ts'],
  },
  {
    name: 'removal-unheard',
    rows: [53],
    what: 'a member that is told that it was removed goes on',
    file: 'core/member/peer-traffic.ts',
    find: `    if (refused.code === 'memberRemoved') this.#parts.onRemoved();
`,
    replace: ``,
    layers: ['sim', 'jest:core/member/membership.test.ts', 'jest:core/testing/cluster/faults/identity.test.ts'],
  },
  {
    name: 'removed-members-forgotten',
    rows: [57],
    what: 'only those are known to be removed who were removed by the last change',
    file: 'core/machine/membership.ts',
    find: `removed: [...this.#state.removed, ...gone].sort(compareIds)`,
    replace: `removed: [...(gone.length > 0 ? [] : this.#state.removed), ...gone].sort(compareIds)`,
    layers: ['sim', 'jest:core/machine/membership.test.ts'],
  },
  {
    name: 'removed-member-welcome',
    rows: [57],
    what: 'a member that was removed is not told so when it comes back',
    file: 'core/member/admission.ts',
    find: `    if (membership().isRemoved(memberId)) {`,
    replace: `    if (membership().isRemoved(memberId) && memberId === identity.memberId) {`,
    layers: ['sim', 'jest:core/member/admission.test.ts'],
  },
  {
    name: 'wiped-disk-accepted',
    rows: [23],
    what: 'a member that lost its disk comes back under its old id',
    file: 'core/member/admission.ts',
    find: `    if (known !== incarnation) {`,
    replace: `    if (incarnation === 0n) {`,
    layers: ['sim', 'jest:core/member/admission.test.ts', 'jest:core/testing/cluster/faults/identity.test.ts'],
  },
  {
    name: 'stranger-accepted',
    rows: [23],
    what: 'a member of another cluster is listened to',
    file: 'core/member/admission.ts',
    find: `    if (clusterId !== identity.clusterId) {`,
    replace: `    if (clusterId !== identity.clusterId && memberId === identity.memberId) {`,
    layers: ['sim', 'jest:core/member/admission.test.ts'],
  },
  {
    name: 'update-promotes-a-learner',
    rows: [55],
    what: 'a change of its addresses makes a learner look like a voter',
    file: 'core/machine/membership.ts',
    find: `    this.#replace({ ...member, peerUrls }, batch);`,
    replace: `    this.#replace({ ...member, peerUrls, isLearner: false }, batch);`,
    layers: ['jest:core/machine/membership.test.ts', 'sim'],
  },
  {
    name: 'learner-promoted-unready',
    rows: [55],
    what: 'a learner gets a vote before it has caught up',
    file: 'core/member/membership-rules.ts',
    find: `  if (learner.incarnation === 0n || !standing.hasCaughtUp(id)) throw new LearnerNotReadyError(id);
`,
    replace: ``,
    layers: ['sim', 'jest:core/member/membership-rules.test.ts'],
  },
];
