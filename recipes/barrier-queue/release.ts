/**
 * When a round of a barrier queue is released: words that combine, such as `any(items(16), linger('30s'))` or
 * `all(items(16), key('snapshot/ready'))`. Everything they ask can be read from the store, so whoever is there can tell.
 */
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { InvalidArgumentError } from '../../core/base/errors.js';
import type { Compare } from '../../core/base/operation.js';
import { createRevision } from '../../core/txn.js';

/** A condition made by {@link items}, {@link item}, {@link key}, {@link manual}, {@link linger}, {@link all} or {@link any}. */
export type Release =
  | { readonly when: 'items'; readonly count: number }
  | { readonly when: 'item'; readonly id: string }
  | { readonly when: 'key'; readonly name: KeyName }
  | { readonly when: 'manual' }
  | { readonly when: 'linger'; readonly duration: Duration }
  | { readonly when: 'all' | 'any'; readonly of: readonly Release[] };

/** A key of the store; as a function, another key for each round. */
export type KeyName = string | ((round: number) => string);

/** When so many items are there. What others put before the gate has opened is of the same round, so it may have more. */
export function items(count: number): Release {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InvalidArgumentError('items', count, 'a whole number from 1');
  return { when: 'items', count };
}

/** When the item of this id is there: each producer can be waited for by name. */
export function item(id: string): Release {
  return { when: 'item', id };
}

/**
 * When this key exists in the store, whoever put it. It holds while the key is there, in later rounds too: name it by the
 * round, as in `key((round) => 'snapshots/' + round)`, to ask for a new one each time.
 */
export function key(name: KeyName): Release {
  return { when: 'key', name };
}

/** When somebody called `open()`. */
export function manual(): Release {
  return { when: 'manual' };
}

/**
 * When the first item of the round has waited so long: a round that does not fill up goes out with what is there.
 * One release has at most one of them.
 */
export function linger(duration: Duration): Release {
  if (toMilliseconds(duration, 'linger') === 0) throw new InvalidArgumentError('linger', duration, 'above 0');
  return { when: 'linger', duration };
}

/** When all of these hold. */
export function all(...of: readonly Release[]): Release {
  return combined('all', of);
}

/** When one of these holds. */
export function any(...of: readonly Release[]): Release {
  return combined('any', of);
}

function combined(when: 'all' | 'any', of: readonly Release[]): Release {
  if (of.length === 0) throw new InvalidArgumentError(when, 'nothing', 'given at least one condition');
  return { when, of };
}

// --- Judging --------------------------------------------------------------------------------------------------------

/** What can be known of a round that gathers. */
export interface RoundFacts {
  readonly round: number;
  readonly itemCount: number;
  /** The items were counted by the store, which counts foreign keys among them, too. */
  readonly isRough?: boolean;
  readonly hasItem: (id: string) => boolean;
  readonly hasKey: (name: string) => boolean;
  /** Somebody called `open()` in this round. */
  readonly consented: boolean;
  /** The first item has waited for as long as {@link linger} says. */
  readonly lingered: boolean;
}

/**
 * Whether the round may be opened.
 *
 * @returns the compares under which that stays true until the gate is written, besides the gate itself; `undefined` if it
 * may not. Items need no compare: while a round gathers, none leaves it.
 */
export function proofOf(release: Release, facts: RoundFacts): readonly Compare[] | undefined {
  if (facts.itemCount === 0) return undefined;
  // A hand may open a round early, unless the release itself says what the hand's word is worth.
  if (facts.consented && !mentionsManual(release)) return [];
  return prove(release, facts);
}

function prove(release: Release, facts: RoundFacts): readonly Compare[] | undefined {
  switch (release.when) {
    case 'items':
      return provenIf(facts.itemCount >= release.count);
    case 'item':
      return provenIf(facts.hasItem(release.id));
    case 'key': {
      const name = keyOf(release.name, facts.round);
      return facts.hasKey(name) ? [createRevision(name).isGreaterThan(0)] : undefined;
    }
    case 'manual':
      return provenIf(facts.consented);
    case 'linger':
      return provenIf(facts.lingered);
    case 'all':
      return proveAll(release.of, facts);
    case 'any':
      return proveAny(release.of, facts);
  }
}

function provenIf(holds: boolean): readonly Compare[] | undefined {
  return holds ? [] : undefined;
}

function proveAll(releases: readonly Release[], facts: RoundFacts): readonly Compare[] | undefined {
  const proofs = releases.map((release) => prove(release, facts));
  return proofs.every((proof) => proof !== undefined) ? proofs.flat() : undefined;
}

function proveAny(releases: readonly Release[], facts: RoundFacts): readonly Compare[] | undefined {
  for (const release of releases) {
    const proof = prove(release, facts);
    if (proof) return proof;
  }
  return undefined;
}

/** What the round still waits for, in words; empty if it may be opened. */
export function unmetOf(release: Release, facts: RoundFacts): readonly string[] {
  if (proofOf(release, facts)) return [];
  if (facts.itemCount === 0) return ['a first item'];
  if (release.when !== 'all') return [describe(release, facts.round)];
  return release.of.filter((one) => !prove(one, facts)).map((one) => describe(one, facts.round));
}

function describe(release: Release, round: number): string {
  switch (release.when) {
    case 'items':
      return `${release.count} items`;
    case 'item':
      return `item ${release.id}`;
    case 'key':
      return `key ${keyOf(release.name, round)}`;
    case 'manual':
      return 'a call of open()';
    case 'linger':
      return `${release.duration} since the first item`;
    case 'all':
      return release.of.map((one) => describe(one, round)).join(' and ');
    case 'any':
      return release.of.map((one) => describe(one, round)).join(' or ');
  }
}

/** How many items the release asks for: what is needed for all of its conditions, or for the easiest of any. */
export function neededItems(release: Release): number | undefined {
  if (release.when === 'items') return release.count;
  if (release.when !== 'all' && release.when !== 'any') return undefined;
  const counts = release.of.map(neededItems).filter((count) => count !== undefined);
  if (counts.length === 0) return undefined;
  return release.when === 'all' ? Math.max(...counts) : Math.min(...counts);
}

// --- What a release speaks of -----------------------------------------------------------------------------------

export function mentionsManual(release: Release): boolean {
  return leavesOf(release).some((leaf) => leaf.when === 'manual');
}

/** The ids of items that are waited for by name. */
export function itemsNamed(release: Release): readonly string[] {
  return unique(leavesOf(release).flatMap((leaf) => (leaf.when === 'item' ? [leaf.id] : [])));
}

/** The keys that are waited for in this round. */
export function keysNamed(release: Release, round: number): readonly string[] {
  return unique(leavesOf(release).flatMap((leaf) => (leaf.when === 'key' ? [keyOf(leaf.name, round)] : [])));
}

/**
 * How long the first item of a round waits at most, in milliseconds.
 *
 * @throws {@link InvalidArgumentError} if the release has more than one `linger`
 */
export function lingerMsOf(release: Release): number | undefined {
  const durations = leavesOf(release).flatMap((leaf) => (leaf.when === 'linger' ? [leaf.duration] : []));
  if (durations.length > 1)
    throw new InvalidArgumentError('release', durations.join(', '), 'one with one linger at most');
  return durations[0] === undefined ? undefined : toMilliseconds(durations[0], 'linger');
}

function leavesOf(release: Release): readonly Release[] {
  return release.when === 'all' || release.when === 'any' ? release.of.flatMap(leavesOf) : [release];
}

function keyOf(name: KeyName, round: number): string {
  return typeof name === 'string' ? name : name(round);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
