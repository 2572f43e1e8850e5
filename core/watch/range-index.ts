import { compareBytes } from '../base/bytes.js';
import { isOpenEnded } from '../base/key-range.js';
import type { KeyRange } from '../base/key-value.js';
import { type Prng, seededPrng } from '../base/prng.js';

/** A range with both ends: `[key, end)`. */
export type TrueRange = KeyRange & { readonly end: Uint8Array };

/**
 * Ranges, each with something that belongs to it, from which those that contain a key are found without looking at all
 * of them: a binary tree in order of start, in which every node knows how far its subtree reaches (an augmented tree,
 * Cormen et al., "Interval trees"). Depth is kept logarithmic by random priorities (a treap, Aragon and Seidel 1989);
 * chance comes from a fixed seed and no range can influence it.
 *
 * Worked example, which of `[b, d)`, `[a, c)`, `[c, f)` contain "c":
 *
 * ```text
 *              [b, d) reaches f          "b" ≤ "c" < "d": found
 *             /                \
 *   [a, c) reaches c      [c, f) reaches f
 *   ends before: skipped     "c" ≤ "c" < "f": found
 * ```
 */
export class RangeIndex<T> {
  readonly #prng: Prng = seededPrng(1);
  #root: Node<T> | undefined;

  /** Adds a range; the same one may not be in the index yet. */
  add(range: TrueRange, value: T): void {
    this.#root = insert(this.#root, new Node(range, value, this.#prng.next()));
  }

  /** Takes out a range with the same ends; does nothing if there is none. */
  delete(range: TrueRange): void {
    this.#root = remove(this.#root, range);
  }

  /** Calls back for every range that contains the key, in order of start. */
  forEachContaining(key: Uint8Array, found: (value: T) => void): void {
    visit(this.#root, key, found);
  }
}

class Node<T> {
  /** Absent: no end. */
  readonly end: Uint8Array | undefined;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  /** The greatest end in the subtree. Absent: some range in it has no end. */
  reach: Uint8Array | undefined;

  constructor(
    readonly range: TrueRange,
    readonly value: T,
    /** No less than those below it. */
    readonly priority: number,
  ) {
    this.end = isOpenEnded(range.end) ? undefined : range.end;
    this.reach = this.end;
  }
}

function visit<T>(node: Node<T> | undefined, key: Uint8Array, found: (value: T) => void): void {
  if (node === undefined || !isBefore(key, node.reach)) return;
  visit(node.left, key, found);
  // All that is right of a start after the key starts after it too.
  if (compareBytes(key, node.range.key) < 0) return;
  if (isBefore(key, node.end)) found(node.value);
  visit(node.right, key, found);
}

function insert<T>(node: Node<T> | undefined, added: Node<T>): Node<T> {
  if (node === undefined) return added;
  if (compareRanges(added.range, node.range) < 0) {
    node.left = insert(node.left, added);
    if (node.left.priority > node.priority) return rotateRight(node, node.left);
  } else {
    node.right = insert(node.right, added);
    if (node.right.priority > node.priority) return rotateLeft(node, node.right);
  }
  updateReach(node);
  return node;
}

function remove<T>(node: Node<T> | undefined, range: TrueRange): Node<T> | undefined {
  if (node === undefined) return undefined;
  const order = compareRanges(range, node.range);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = remove(node.left, range);
  else node.right = remove(node.right, range);
  updateReach(node);
  return node;
}

/** One tree of two, all of whose left starts come first. */
function merge<T>(left: Node<T> | undefined, right: Node<T> | undefined): Node<T> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    updateReach(left);
    return left;
  }
  right.left = merge(left, right.left);
  updateReach(right);
  return right;
}

function rotateRight<T>(node: Node<T>, left: Node<T>): Node<T> {
  node.left = left.right;
  left.right = node;
  updateReach(node);
  updateReach(left);
  return left;
}

function rotateLeft<T>(node: Node<T>, right: Node<T>): Node<T> {
  node.right = right.left;
  right.left = node;
  updateReach(node);
  updateReach(right);
  return right;
}

function updateReach<T>(node: Node<T>): void {
  let reach = node.end;
  if (node.left !== undefined) reach = later(reach, node.left.reach);
  if (node.right !== undefined) reach = later(reach, node.right.reach);
  node.reach = reach;
}

function later(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  if (a === undefined || b === undefined) return undefined;
  return compareBytes(a, b) < 0 ? b : a;
}

function isBefore(key: Uint8Array, end: Uint8Array | undefined): boolean {
  return end === undefined || compareBytes(key, end) < 0;
}

function compareRanges(a: TrueRange, b: TrueRange): number {
  return compareBytes(a.key, b.key) || compareBytes(a.end, b.end);
}
