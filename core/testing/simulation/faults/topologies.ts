import type { VirtualMember } from '../process/virtual-member.js';

/** A way from one process to another, by their names. */
export interface Way {
  readonly from: string;
  readonly to: string;
}

/** Which ways of a link are meant: both, only what its first end sends, or only what that end is sent. */
export type Direction = 'both' | 'out' | 'in';

/**
 * Which ways of a network are broken. The first of the members is the one on whom the fault falls; the others are in an
 * order by chance.
 */
export type Topology = (members: readonly VirtualMember[], direction: Direction) => readonly Way[];

/** Nobody is in touch with the first. */
export const isolated: Topology = ([first, ...others], direction) =>
  first === undefined ? [] : others.flatMap((other) => ways(first, other, direction));

/** Two halves, the first in the smaller one. */
export const split: Topology = (members, direction) => between(...halves(members), direction);

/** Two halves, and the first, who is in touch with both. */
export const bridged: Topology = ([, ...others], direction) => between(...halves(others), direction);

/** Each is in touch with a majority, and no two of them with the same. */
export const majorityRing: Topology = (members, direction) => {
  const reach = Math.ceil((members.length - 1) / 4);
  return pairs(members).flatMap(([one, other]) => {
    const distance = Math.abs(members.indexOf(one) - members.indexOf(other));
    return Math.min(distance, members.length - distance) <= reach ? [] : ways(one, other, direction);
  });
};

/** One link of the first is broken, everything else is well (Cloudflare, 2 November 2020, where the first led). */
export const oneLink: Topology = ([first, second], direction) =>
  first === undefined || second === undefined ? [] : ways(first, second, direction);

/** The last hears from and speaks to one only, who is not the first: it misses the leader and can never be one (Howard 2020). */
export const hangingOn: Topology = (members, direction) => {
  const last = members.at(-1);
  if (last === undefined || members.length < 3) return [];
  return members.filter((member, at) => at !== 1 && member !== last).flatMap((other) => ways(last, other, direction));
};

/** Everybody is in touch with the first only. */
export const star: Topology = ([, ...others], direction) =>
  pairs(others).flatMap(([one, other]) => ways(one, other, direction));

/** The ways of the link between two. */
export function ways(one: { readonly name: string }, other: { readonly name: string }, direction: Direction): Way[] {
  const [out, back] = [
    { from: one.name, to: other.name },
    { from: other.name, to: one.name },
  ];
  if (direction === 'both') return [out, back];
  return direction === 'out' ? [out] : [back];
}

function halves<T>(members: readonly T[]): [readonly T[], readonly T[]] {
  const middle = Math.floor(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)];
}

function between(some: readonly VirtualMember[], others: readonly VirtualMember[], direction: Direction): Way[] {
  return some.flatMap((one) => others.flatMap((other) => ways(one, other, direction)));
}

function pairs<T>(members: readonly T[]): [T, T][] {
  return members.flatMap((one, at) => members.slice(at + 1).map((other): [T, T] => [one, other]));
}
