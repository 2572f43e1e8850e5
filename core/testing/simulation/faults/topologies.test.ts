import { describe, expect, it } from '@jest/globals';
import type { VirtualMember } from '../process/virtual-member.js';
import { bridged, hangingOn, isolated, majorityRing, oneLink, split, star, type Topology } from './topologies.js';

const MEMBERS = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })) as unknown as readonly VirtualMember[];

/** Whom each is in touch with, both ways. */
function inTouch(topology: Topology, members = MEMBERS): Record<string, string> {
  const broken = new Set(topology(members, 'both').map(({ from, to }) => from + to));
  const others = (name: string) => members.filter((other) => other.name !== name && !broken.has(name + other.name));
  return Object.fromEntries(
    members.map(({ name }) => [
      name,
      others(name)
        .map((other) => other.name)
        .join(''),
    ]),
  );
}

describe('a broken network', () => {
  it('isolates the first', () => {
    expect(inTouch(isolated)).toEqual({ a: '', b: 'cde', c: 'bde', d: 'bce', e: 'bcd' });
  });

  it('is split, the first among the fewer', () => {
    expect(inTouch(split)).toEqual({ a: 'b', b: 'a', c: 'de', d: 'ce', e: 'cd' });
  });

  it('has a bridge', () => {
    expect(inTouch(bridged)).toEqual({ a: 'bcde', b: 'ac', c: 'ab', d: 'ae', e: 'ad' });
  });

  it('lets each see a majority, no two the same', () => {
    expect(inTouch(majorityRing)).toEqual({ a: 'be', b: 'ac', c: 'bd', d: 'ce', e: 'ad' });
  });

  it('lacks one link', () => {
    expect(inTouch(oneLink)).toEqual({ a: 'cde', b: 'cde', c: 'abde', d: 'abce', e: 'abcd' });
  });

  it('has one that hangs on to another', () => {
    expect(inTouch(hangingOn)).toEqual({ a: 'bcd', b: 'acde', c: 'abd', d: 'abc', e: 'b' });
  });

  it('has one in the middle', () => {
    expect(inTouch(star)).toEqual({ a: 'bcde', b: 'a', c: 'a', d: 'a', e: 'a' });
  });

  it.each([
    ['out', ['ab']],
    ['in', ['ba']],
    ['both', ['ab', 'ba']],
  ] as const)('is broken %s', (direction, expected) => {
    expect(oneLink(MEMBERS, direction).map(({ from, to }) => from + to)).toEqual(expected);
  });
});
