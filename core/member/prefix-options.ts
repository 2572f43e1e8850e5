import { InvalidArgumentError } from '../base/errors.js';

/** How often keys of a prefix may be used, at each member by itself. */
export interface RateLimit {
  /** The text with which the keys begin; an empty one means all keys. */
  readonly prefix: string;
  /** Operations a second, from 1 to 1,000,000. */
  readonly perSecond: number;
  /** Operations that may come at once after a silence. Default: `perSecond`. */
  readonly burst?: number;
  /** Which operations count. Default: `'all'`. */
  readonly of?: 'writes' | 'reads' | 'all';
}

/** How much may be kept under a prefix. At least one of the two is given. */
export interface PrefixQuota {
  /** The text with which the keys begin; an empty one means all keys. */
  readonly prefix: string;
  /** Keys that exist. */
  readonly keysMax?: number;
  /** Bytes of those keys and their values. */
  readonly bytesMax?: number;
}

/** Limits for keys of certain prefixes; none by default. */
export interface PrefixLimitOptions {
  /**
   * How often keys may be used: what comes faster is refused with {@link RateLimitedError} by the member that takes the
   * call. Of several rules that fit a key, those with the longest prefix count. At most 64.
   */
  readonly rateLimits?: readonly RateLimit[];
  /**
   * How much may be kept: what would exceed it is refused with {@link PrefixQuotaExceededError} by the member that takes the
   * call. Each rule that fits a key counts. At most 64.
   */
  readonly prefixQuotas?: readonly PrefixQuota[];
}

/** Each operation looks at all rules. */
const RULES_MAX = 64;
const RATE_MAX = 1_000_000;
const KINDS = ['writes', 'reads', 'all'] as const;

/**
 * The limits as they are in force.
 *
 * @throws {@link InvalidArgumentError} naming the first thing that is not as it must be
 */
export function checkPrefixLimits({
  rateLimits = [],
  prefixQuotas = [],
}: PrefixLimitOptions): Required<PrefixLimitOptions> {
  checkList(rateLimits, 'rateLimits', checkRateLimit);
  checkList(prefixQuotas, 'prefixQuotas', checkQuota);
  return { rateLimits, prefixQuotas };
}

/** @param check - @returns what no two rules may have in common */
function checkList<Rule extends { readonly prefix: string }>(
  rules: readonly Rule[],
  field: string,
  check: (rule: Rule, field: string) => string,
): void {
  if (!Array.isArray(rules)) throw new InvalidArgumentError(field, rules, 'a list of rules');
  if (rules.length > RULES_MAX) throw new InvalidArgumentError(field, `${rules.length} rules`, `at most ${RULES_MAX}`);
  const seen = new Set<string>();
  for (const [at, rule] of (rules as readonly Rule[]).entries()) {
    if (typeof rule !== 'object' || rule === null) throw new InvalidArgumentError(`${field}.${at}`, rule, 'a rule');
    const id = check(rule, `${field}.${at}`);
    if (seen.has(id)) throw new InvalidArgumentError(`${field}.${at}.prefix`, rule.prefix, 'told once');
    seen.add(id);
  }
}

function checkRateLimit({ prefix, perSecond, burst, of = 'all' }: RateLimit, field: string): string {
  checkPrefix(prefix, field);
  checkNumber(perSecond, RATE_MAX, `${field}.perSecond`);
  if (burst !== undefined) checkNumber(burst, RATE_MAX, `${field}.burst`);
  if (!KINDS.includes(of)) throw new InvalidArgumentError(`${field}.of`, of, `one of ${KINDS.join(', ')}`);
  return `${of} ${prefix}`;
}

function checkQuota({ prefix, keysMax, bytesMax }: PrefixQuota, field: string): string {
  checkPrefix(prefix, field);
  if (keysMax !== undefined) checkNumber(keysMax, Number.MAX_SAFE_INTEGER, `${field}.keysMax`);
  if (bytesMax !== undefined) checkNumber(bytesMax, Number.MAX_SAFE_INTEGER, `${field}.bytesMax`);
  if (keysMax === undefined && bytesMax === undefined) {
    throw new InvalidArgumentError(`${field}.keysMax`, undefined, 'given, or bytesMax, or both');
  }
  return prefix;
}

function checkPrefix(prefix: string, field: string): void {
  if (typeof prefix !== 'string')
    throw new InvalidArgumentError(`${field}.prefix`, prefix, 'a text; an empty one: all keys');
}

function checkNumber(value: number, most: number, field: string): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  throw new InvalidArgumentError(field, value, `a whole number from 1 to ${most}`);
}
