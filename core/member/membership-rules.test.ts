import { describe, expect, test } from '@jest/globals';
import type { MemberInfo } from '../machine/types.js';
import * as rules from './membership-rules.js';
import { infoOf } from './testing/compose.js';

/** Voters 1 to `size`, of whom these have started and answer. */
function standing(
  size: number,
  given: Partial<{ started: bigint[]; healthy: bigint[]; learners: bigint[]; isStrict: boolean }> = {},
) {
  const voters = Array.from({ length: size }, (_, i) => BigInt(i + 1));
  const { started = voters, healthy = voters, learners = [], isStrict = true } = given;
  const isStarted = (id: bigint) => started.includes(id) || learners.includes(id);
  const members: MemberInfo[] = [...voters, ...learners].map((id) =>
    infoOf(id, { incarnation: isStarted(id) ? 1n : 0n, isLearner: learners.includes(id) }),
  );
  return {
    members,
    configuration: { voters, learners },
    isHealthy: (id: bigint) => healthy.includes(id) || learners.includes(id),
    hasCaughtUp: (id: bigint) => learners.includes(id),
    learnersMax: 1,
    isStrict,
  };
}

function codeOf(plan: () => unknown): string {
  try {
    plan();
    return 'allowed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const NEW = infoOf(9n);
const NEW_LEARNER = infoOf(9n, { isLearner: true });

describe('adding a voter', () => {
  const add = (given: rules.Standing) => codeOf(() => rules.planAdd(given, NEW));

  test('needs a majority of the larger cluster that has started and answers', () => {
    expect(add(standing(3))).toBe('allowed');
    expect(add(standing(3, { started: [1n, 2n] }))).toBe('NOT_ENOUGH_STARTED_MEMBERS');
    expect(add(standing(3, { healthy: [1n, 2n] }))).toBe('UNHEALTHY_CLUSTER');
    expect(add(standing(2))).toBe('allowed');
    expect(add(standing(2, { healthy: [1n] }))).toBe('UNHEALTHY_CLUSTER');
    expect(add(standing(5, { healthy: [1n, 2n, 3n, 4n] }))).toBe('allowed');
    expect(add(standing(5, { healthy: [1n, 2n, 3n] }))).toBe('UNHEALTHY_CLUSTER');
  });

  test('to a cluster of one leads through a learner, for both of two are a majority', () => {
    expect(rules.beginsAsLearner(standing(1))).toBe(true);
    expect(rules.beginsAsLearner(standing(2))).toBe(false);
  });

  test('is not checked so where the check is switched off', () => {
    expect(add(standing(3, { started: [1n], healthy: [1n], isStrict: false }))).toBe('allowed');
  });

  test('puts it among the voters', () => {
    expect(rules.planAdd(standing(2), NEW)).toEqual({ voters: [1n, 2n, 9n], learners: [] });
  });
});

describe('adding a learner', () => {
  test('needs no majority beyond the present one, for it has no vote', () => {
    expect(codeOf(() => rules.planAdd(standing(3, { healthy: [1n, 2n] }), NEW_LEARNER))).toBe('allowed');
  });

  test('is refused where there are as many as there may be', () => {
    expect(codeOf(() => rules.planAdd(standing(3, { learners: [8n] }), NEW_LEARNER))).toBe('TOO_MANY_LEARNERS');
    expect(codeOf(() => rules.planAdd({ ...standing(3, { learners: [8n] }), learnersMax: 2 }, NEW_LEARNER))).toBe(
      'allowed',
    );
  });

  test('in the place of nobody is refused', () => {
    expect(codeOf(() => rules.planAdd(standing(3), { ...NEW_LEARNER, replaces: 7n }))).toBe('MEMBER_NOT_FOUND');
  });
});

describe('removing a member', () => {
  const remove = (given: rules.Standing, id: bigint) => codeOf(() => rules.planRemove(given, id));

  test('is allowed while those who are left have a majority that has started and answers', () => {
    expect(remove(standing(3), 3n)).toBe('allowed');
    // A dead one may always go.
    expect(remove(standing(3, { healthy: [1n, 2n] }), 3n)).toBe('allowed');
    expect(remove(standing(5, { healthy: [1n, 2n, 3n] }), 5n)).toBe('allowed');
  });

  test('is refused where it would leave too few who answer, or who ever started', () => {
    expect(remove(standing(3, { healthy: [1n, 2n] }), 2n)).toBe('UNHEALTHY_CLUSTER');
    expect(remove(standing(3, { started: [1n, 2n] }), 2n)).toBe('NOT_ENOUGH_STARTED_MEMBERS');
    expect(remove(standing(1), 1n)).toBe('NOT_ENOUGH_STARTED_MEMBERS');
    expect(remove(standing(1, { isStrict: false }), 1n)).toBe('NOT_ENOUGH_STARTED_MEMBERS');
  });

  test('of a learner needs nothing, and of one that is unknown is refused', () => {
    expect(rules.planRemove(standing(3, { healthy: [1n, 2n], learners: [8n] }), 8n)).toEqual({
      voters: [1n, 2n, 3n],
      learners: [],
    });
    expect(remove(standing(3), 7n)).toBe('MEMBER_NOT_FOUND');
  });
});

describe('promoting a learner', () => {
  const promote = (given: rules.Standing, id: bigint) => codeOf(() => rules.planPromote(given, id));

  test('gives it a vote', () => {
    expect(rules.planPromote(standing(3, { learners: [8n] }), 8n)).toEqual({ voters: [1n, 2n, 3n, 8n], learners: [] });
  });

  test('in the place of another takes that one out in the same step', () => {
    const given = standing(3, { learners: [8n], healthy: [1n, 2n] });
    const members = given.members.map((info) => (info.id === 8n ? { ...info, replaces: 3n } : info));

    expect(rules.planPromote({ ...given, members }, 8n)).toEqual({ voters: [1n, 2n, 8n], learners: [] });
  });

  test('is refused to one that has not caught up or never started, to a voter, and to nobody', () => {
    expect(promote({ ...standing(3, { learners: [8n] }), hasCaughtUp: () => false }, 8n)).toBe('LEARNER_NOT_READY');
    const given = standing(3, { learners: [8n] });
    const members = given.members.map((info) => ({ ...info, incarnation: info.id === 8n ? 0n : 1n }));
    expect(promote({ ...given, members }, 8n)).toBe('LEARNER_NOT_READY');
    expect(promote(standing(3), 2n)).toBe('MEMBER_NOT_LEARNER');
    expect(promote(standing(3), 7n)).toBe('MEMBER_NOT_FOUND');
  });

  test('is refused where a majority of the larger cluster would not answer', () => {
    expect(promote(standing(3, { learners: [8n], healthy: [1n] }), 8n)).toBe('UNHEALTHY_CLUSTER');
    expect(promote(standing(3, { learners: [8n], healthy: [1n, 2n] }), 8n)).toBe('allowed');
  });
});

describe('peer URLs', () => {
  test.each([
    [['http://10.0.0.1:2380']],
    [['https://host.example:1']],
    [['http://[::1]:2380', 'http://10.0.0.1:2380']],
  ])('%j are fine', (urls) => {
    expect(rules.checkedPeerUrls(urls)).toEqual([...urls].sort());
  });

  test.each([
    [[]],
    [['']],
    [['10.0.0.1:2380']],
    [['http://10.0.0.1']],
    [['http://10.0.0.1:2380/path']],
    [['ftp://10.0.0.1:2380']],
    [['http://10.0.0.1:99999']],
    [['http://u:p@10.0.0.1:2380']],
    [['http://a:1', 'http://a:1/']],
  ])('%j are not', (urls) => {
    expect(codeOf(() => rules.checkedPeerUrls(urls))).toBe('INVALID_PEER_URLS');
  });

  test('that another member has are refused, and its own are not', () => {
    const { members } = standing(3);
    const urls = members[1]?.peerUrls as string[];

    expect(codeOf(() => rules.checkFree(members, urls))).toBe('PEER_URL_EXISTS');
    expect(codeOf(() => rules.checkFree(members, urls, 2n))).toBe('allowed');
  });
});
