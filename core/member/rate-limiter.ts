import { unreachable } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { RateLimitedError } from '../base/errors.js';
import type { KeyRange } from '../base/key-value.js';
import type { Operation } from '../base/operation.js';
import { PrefixKeys } from './prefix-keys.js';
import type { RateLimit } from './prefix-options.js';
import { TokenBucket } from './token-bucket.js';

type Kind = 'writes' | 'reads';

interface Rule {
  readonly keys: PrefixKeys;
  readonly limit: RateLimit & Required<Pick<RateLimit, 'of'>>;
  readonly bucket: TokenBucket;
}

/**
 * Holds the use of keys to the rates of the rules that were given, with one bucket for each. An operation counts for the
 * rules with the longest prefix of its key; a range for every rule some of whose own keys it may hold. A transaction counts
 * as all its operations, and it is the dearer branch that counts: which one is taken is not known yet.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #rules: readonly Rule[];
  #refusedCount = 0;

  constructor(limits: readonly RateLimit[], clock: Clock) {
    this.#clock = clock;
    this.#rules = limits.map((limit) => {
      const { prefix, perSecond, burst = perSecond, of = 'all' } = limit;
      const bucket = new TokenBucket({ perSecond, burst }, clock.now());
      return { keys: new PrefixKeys(prefix), limit: { ...limit, of }, bucket };
    });
  }

  /** How many calls were refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Counts a call, if it may be made now. @returns if it may not, why, and nothing is counted */
  take(operation: Operation): RateLimitedError | undefined {
    if (this.#rules.length === 0) return undefined;
    const costs = this.#rules.map((rule) => this.#cost(rule, operation));
    const refusal = this.#refusal(costs);
    if (refusal !== undefined) {
      this.#refusedCount += 1;
      return refusal;
    }
    for (const [at, cost] of costs.entries()) this.#rules[at]?.bucket.take(cost);
    return undefined;
  }

  /** Of several rules that have too few tokens, the one that has enough last is told. */
  #refusal(costs: readonly number[]): RateLimitedError | undefined {
    const nowMs = this.#clock.now();
    let longestMs = 0;
    let refusing: Rule | undefined;
    for (const [at, rule] of this.#rules.entries()) {
      const cost = costs[at] ?? 0;
      const waitMs = cost === 0 ? 0 : rule.bucket.waitMs(cost, nowMs);
      if (waitMs <= longestMs) continue;
      longestMs = waitMs;
      refusing = rule;
    }
    if (refusing === undefined) return undefined;
    const { prefix, perSecond, of } = refusing.limit;
    return new RateLimitedError({ prefix, perSecond, of, retryAfterMs: longestMs });
  }

  #cost(rule: Rule, operation: Operation): number {
    switch (operation.type) {
      case 'range':
        return this.#counts(rule, operation, 'reads') ? 1 : 0;
      case 'put':
        // A request may be any object that has a key; one that is put is no range, whatever else it has.
        return this.#counts(rule, { key: operation.key }, 'writes') ? 1 : 0;
      case 'delete':
        return this.#counts(rule, operation, 'writes') ? 1 : 0;
      case 'txn':
        return Math.max(this.#sum(rule, operation.success), this.#sum(rule, operation.failure));
      default:
        return unreachable(operation);
    }
  }

  #sum(rule: Rule, operations: readonly Operation[]): number {
    let sum = 0;
    for (const operation of operations) sum += this.#cost(rule, operation);
    return sum;
  }

  #counts(rule: Rule, target: KeyRange, kind: Kind): boolean {
    if (!isAbout(rule, kind) || !rule.keys.overlaps(target)) return false;
    // With a longer prefix that has all of them, none of these keys is this rule's own.
    return !this.#rules.some(
      (other) => isAbout(other, kind) && isLonger(other.keys, rule.keys) && other.keys.covers(target),
    );
  }
}

function isAbout({ limit }: Rule, kind: Kind): boolean {
  return limit.of === 'all' || limit.of === kind;
}

function isLonger(one: PrefixKeys, other: PrefixKeys): boolean {
  return one.prefix.length > other.prefix.length;
}
