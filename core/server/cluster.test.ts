import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { checkPeerUrls, clusterIdOf, clusterOf } from './cluster.js';

const THREE = { a: 'http://127.0.0.1:2380', b: ['http://127.0.0.1:2382', 'http://10.0.0.2:2382'], c: 'http://c:2384' };

const sha1 = (bytes: Uint8Array | string) => createHash('sha1').update(bytes).digest().readBigUInt64BE(0);

describe('an initial cluster', () => {
  test('is the same however it is written down', () => {
    const { a, b, c } = THREE;
    const backwards = clusterOf({ peers: { c: `${c}/`, b: [...b].reverse(), a } });

    expect(backwards).toEqual(clusterOf({ peers: THREE }));
  });

  test("has the ids that etcd's rule gives: hashes of a member's sorted addresses and the token, and of all ids", () => {
    const { clusterId, members, configuration } = clusterOf({ peers: THREE, token: 't' });
    const ids = ['http://127.0.0.1:2380t', 'http://10.0.0.2:2382http://127.0.0.1:2382t', 'http://c:2384t'].map(sha1);
    const sorted = [...ids].sort((x, y) => (x < y ? -1 : 1));
    const bytes = Buffer.alloc(24);
    sorted.forEach((id, i) => bytes.writeBigUInt64BE(id, 8 * i));

    expect(members.map(({ id }) => id)).toEqual(sorted);
    expect(configuration).toEqual({ voters: sorted, learners: [] });
    expect(clusterId).toBe(sha1(bytes));
    expect(clusterIdOf(ids)).toBe(clusterId);
  });

  test('is another one with another token', () => {
    const [one, other] = ['one', 'other'].map((token) => clusterOf({ peers: THREE, token }));

    expect(one?.clusterId).not.toBe(other?.clusterId);
    expect(one?.members[0]?.id).not.toBe(other?.members[0]?.id);
  });

  test('may have seven members, not eight, and not none', () => {
    const of = (count: number) =>
      clusterOf({ peers: Object.fromEntries([...Array(count).keys()].map((i) => [`m${i}`, `http://m${i}:2380`])) });

    expect(of(7).members).toHaveLength(7);
    expect(() => of(8)).toThrow('8 members');
    expect(() => of(0)).toThrow('0 members');
  });

  test.each([
    [{ a: 'http://h:1', b: 'http://h:1' }, 'http://h:1'],
    [{ a: [] }, 'peers.a'],
    [{ a: 'h:2380' }, 'h:2380'],
    [{ a: 'http://h' }, 'http://h'],
    [{ a: 'http://h:2380/path' }, 'path'],
    [{ a: 'ftp://h:2380' }, 'ftp'],
    [{ a: 'http://h:99999' }, '99999'],
    [{ a: 'http://u@h:2380' }, 'u@h'],
    [{ 'a=b': 'http://h:2380' }, 'a=b'],
    [{ '': 'http://h:2380' }, 'peers'],
  ])('refuses %j and says what is wrong with it', (peers, word) => {
    expect(() => clusterOf({ peers })).toThrow(word);
  });

  test('takes IPv6 addresses', () => {
    expect(checkPeerUrls(['https://[::1]:2380'], 'x')).toEqual(['https://[::1]:2380']);
  });
});
