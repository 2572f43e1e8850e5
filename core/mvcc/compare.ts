import { unreachable } from '../base/assert.js';
import { compareBytes } from '../base/bytes.js';
import { NO_LEASE } from '../base/key-value.js';
import type { Compare, CompareResult } from '../base/operation.js';
import type { KeyVersion } from './key-version.js';
import type { Reading } from './reading.js';

/**
 * Whether a condition holds: for every key of its range, or, if there is none, for a key whose version, revisions and
 * lease are 0. There is no such stand-in for a value: every condition on the value of what does not exist is false,
 * `notEqual` too, because an absent value cannot be told from an empty one.
 */
export function holds(compare: Compare, reading: Reading): boolean {
  let isEmpty = true;
  let allHold = true;
  reading.visit(compare, (version) => {
    isEmpty = false;
    allHold &&= satisfies(compare.result, differenceOf(compare, version, reading));
  });
  if (!isEmpty) return allHold;
  return compare.target !== 'value' && satisfies(compare.result, differenceOfAbsent(compare));
}

/** What is compared minus the operand, by sign. */
function differenceOf(compare: Compare, version: KeyVersion, reading: Reading): number {
  switch (compare.target) {
    case 'version':
      return version.version - compare.operand;
    case 'createRevision':
      return version.createRevision - compare.operand;
    case 'modRevision':
      return version.main - compare.operand;
    case 'lease':
      return signOf(reading.load(version).lease - compare.operand);
    case 'value':
      return compareBytes(reading.load(version).value, compare.operand);
    default:
      return unreachable(compare);
  }
}

function differenceOfAbsent(compare: Exclude<Compare, { target: 'value' }>): number {
  return compare.target === 'lease' ? signOf(NO_LEASE - compare.operand) : -compare.operand;
}

function signOf(difference: bigint): number {
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function satisfies(result: CompareResult, difference: number): boolean {
  switch (result) {
    case 'equal':
      return difference === 0;
    case 'notEqual':
      return difference !== 0;
    case 'greater':
      return difference > 0;
    case 'less':
      return difference < 0;
    default:
      return unreachable(result);
  }
}
