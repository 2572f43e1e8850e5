import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '../base/logger.js';
import type { Membership } from '../machine/membership.js';
import type { MemberInfo } from '../machine/types.js';
import type { Refused, RefusedCode } from '../peer/types.js';
import { Admission } from './admission.js';
import { PeerBook } from './peer-book.js';
import { infoOf } from './testing/compose.js';

const SELF = { clusterId: 7n, memberId: 1n, incarnation: 11n };

/** Member 1 of a cluster with 2, who has published itself, and 3, who has not; 9 was removed. */
function setUp(told: readonly MemberInfo[] = []) {
  const members = [infoOf(1n, { incarnation: 11n }), infoOf(2n, { incarnation: 22n }), infoOf(3n)];
  const membership = {
    members: told.length > 0 ? [] : members,
    isRemoved: (id: bigint) => removed.has(id),
  } as unknown as Membership;
  const warnings: string[] = [];
  const connected = new Set<bigint>();
  const met = { count: 0 };
  const removed = new Set([9n]);
  const book = new PeerBook(() => membership, told);
  const admission = new Admission({
    identity: SELF,
    membership: () => membership,
    book,
    logger: { ...silentLogger, warn: (_fields, message) => warnings.push(message) },
    isConnected: (id) => connected.has(id),
    onMet: () => void (met.count += 1),
  });
  const codeOf = (memberId: bigint, incarnation = 0n, clusterId = 7n) =>
    admission.accept({ clusterId, memberId, incarnation })?.code;
  return { admission, codeOf, warnings, connected, book, met, removed };
}

function refused(code: RefusedCode, reason = 'because'): Refused {
  return { code, reason };
}

describe('Admission', () => {
  test('welcomes members, with the disk that they published or with any before they have', () => {
    const { codeOf } = setUp();

    expect(codeOf(2n, 22n)).toBeUndefined();
    expect(codeOf(3n, 33n)).toBeUndefined();
  });

  test.each([
    ['of another cluster', [2n, 22n, 8n], 'clusterMismatch'],
    ['with another disk than it published', [2n, 23n], 'memberWiped'],
    ['that was removed', [9n], 'memberRemoved'],
    ['that is not known yet', [4n], 'memberUnknown'],
    ['that says it is this very member', [1n, 11n], 'wrongMember'],
  ] as const)('refuses one %s', (_name, [memberId, incarnation, clusterId], code) => {
    const { codeOf } = setUp();

    expect(codeOf(memberId, incarnation, clusterId)).toBe(code);
  });

  test('welcomes a member that has published nothing again only with the disk with which it greeted first', () => {
    const { codeOf } = setUp();

    expect(codeOf(3n, 33n)).toBeUndefined();
    expect(codeOf(3n, 34n)).toBe('memberWiped');
    expect(codeOf(3n, 33n)).toBeUndefined();
  });

  test('welcomes one that is not known and says where it listens, so that it can be answered', () => {
    const { admission, book, met } = setUp();
    const greeting = { clusterId: 7n, memberId: 4n, incarnation: 44n, peerUrls: ['http://m4:2380'] };

    expect(admission.accept(greeting)).toBeUndefined();
    expect(admission.accept(greeting)).toBeUndefined();

    expect(met.count).toBe(1);
    expect(book.reachable.map(({ id }) => id)).toEqual([1n, 2n, 3n, 4n]);
    expect(book.members.map(({ id }) => id)).toEqual([1n, 2n, 3n]);
  });

  test('keeps the last sixteen of those, and none that turns out to be removed', () => {
    const { admission, book, removed } = setUp();
    const meet = (memberId: bigint) =>
      admission.accept({ clusterId: 7n, memberId, incarnation: 1n, peerUrls: ['http://m:2380'] });
    for (let id = 100n; id < 117n; id += 1n) meet(id);
    expect(book.reachable.slice(3).map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, i) => 101n + BigInt(i)));

    removed.add(105n);

    expect(book.reachable).toHaveLength(3 + 15);
    expect(meet(105n)?.code).toBe('memberRemoved');
  });

  test('a joiner whose state knows nobody yet goes by what it was told', () => {
    const { codeOf } = setUp([infoOf(5n)]);

    expect(codeOf(5n)).toBeUndefined();
    expect(codeOf(2n)).toBe('memberUnknown');
  });

  test('names those who will not have this member, until they do; each is reported once', () => {
    const { admission, warnings, connected } = setUp();
    admission.refused(2n, refused('memberUnknown'));
    admission.refused(2n, refused('memberUnknown'));

    expect(admission.troubles).toEqual(['member 2 refuses this one: because']);
    expect(warnings).toHaveLength(1);
    connected.add(2n);
    expect(admission.troubles).toEqual([]);
  });

  test('all who answer must say that this member is not theirs before it believes that', () => {
    const { admission, connected } = setUp();
    expect(admission.verdict).toBeUndefined();

    admission.refused(2n, refused('memberWiped', 'lost its disk'));
    expect(admission.verdict).toMatchObject({ refusal: 'memberWiped', reason: 'refused' });
    connected.add(3n);
    expect(admission.verdict).toBeUndefined();
    connected.clear();
    admission.refused(3n, refused('memberUnknown'));
    expect(admission.verdict).toBeUndefined();
    admission.refused(3n, refused('clusterMismatch'));
    expect(admission.verdict).toBeDefined();
  });
});
