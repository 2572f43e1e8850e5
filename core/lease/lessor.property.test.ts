import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Batch } from '../backend/backend.js';
import { openMemoryBackend } from '../backend/memory-backend.js';
import { LeaseNotFoundError } from '../base/errors.js';
import type { LeaseId } from '../base/key-value.js';
import { Lessor, REVOKE_RETRY_MS } from './lessor.js';

/** What a lease was promised, kept as plainly as can be: no heap, no order. */
interface Promised {
  readonly ttlMs: number;
  /** Undated: what the next dating adds to the TTL. */
  extraMs: number;
  deadlineMs: number | undefined;
  namedMs: number | undefined;
}

type Step =
  | { readonly type: 'grant'; readonly id: number; readonly ttlSeconds: number }
  | { readonly type: 'revoke' | 'renew'; readonly id: number }
  | { readonly type: 'extendAll'; readonly extraMs: number }
  | { readonly type: 'expire'; readonly max: number };

const id = fc.integer({ min: 1, max: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('grant' as const), id, ttlSeconds: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('revoke' as const), id }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('renew' as const), id }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('extendAll' as const), extraMs: fc.nat(3_000) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('expire' as const), max: fc.integer({ min: 0, max: 5 }) }) },
);
const schedule = fc.array(fc.record({ waitMs: fc.nat(2_500), step }), { minLength: 40, maxLength: 120 });

const NO_BATCH: Batch = { put() {}, delete() {} };

test('under any schedule a lease is named exactly when its whole promise has passed, never early', () => {
  fc.assert(fc.property(schedule, run), { seed: 20_260, numRuns: 300 });
});

function run(steps: readonly { waitMs: number; step: Step }[]): void {
  const lessor = Lessor.open(openMemoryBackend(), []);
  const model = new Map<LeaseId, Promised>();
  let nowMs = 0;
  for (const { waitMs, step } of steps) {
    nowMs += waitMs;
    if (step.type === 'expire') checkExpire(lessor, model, nowMs, step.max);
    else carryOut(lessor, model, nowMs, step);
    expect(new Set(lessor.ids())).toEqual(new Set(model.keys()));
  }
}

function carryOut(
  lessor: Lessor,
  model: Map<LeaseId, Promised>,
  nowMs: number,
  step: Exclude<Step, { type: 'expire' }>,
) {
  if (step.type === 'extendAll') {
    lessor.extendAll(step.extraMs);
    for (const promised of model.values()) {
      Object.assign(promised, { extraMs: step.extraMs, deadlineMs: undefined, namedMs: undefined });
    }
    return;
  }
  const lease = BigInt(step.id);
  const promised = model.get(lease);
  if (step.type === 'grant') {
    if (promised) return;
    lessor.grant(lease, step.ttlSeconds, NO_BATCH);
    model.set(lease, { ttlMs: step.ttlSeconds * 1_000, extraMs: 0, deadlineMs: undefined, namedMs: undefined });
  } else if (step.type === 'revoke') {
    if (!promised) return;
    lessor.revoke(lease, NO_BATCH);
    model.delete(lease);
  } else if (!promised || promised.namedMs !== undefined) {
    expect(() => lessor.renew(lease, nowMs)).toThrow(LeaseNotFoundError);
  } else {
    expect(lessor.renew(lease, nowMs) * 1_000).toBe(promised.ttlMs);
    date(promised, nowMs);
  }
}

function checkExpire(lessor: Lessor, model: Map<LeaseId, Promised>, nowMs: number, max: number): void {
  for (const promised of model.values()) if (promised.deadlineMs === undefined) date(promised, nowMs);
  const dueAt = (promised: Promised) =>
    promised.namedMs === undefined ? (promised.deadlineMs as number) : promised.namedMs + REVOKE_RETRY_MS;
  const due = [...model.values()].map(dueAt).filter((dueMs) => dueMs <= nowMs);

  const named = lessor.expire(nowMs, max);

  const namedAt = named.map((lease) => dueAt(model.get(lease) as Promised));
  expect(new Set(named).size).toBe(named.length);
  expect(namedAt).toEqual(due.sort((a, b) => a - b).slice(0, max));
  for (const lease of named) {
    const promised = model.get(lease) as Promised;
    expect(promised.deadlineMs).toBeLessThanOrEqual(nowMs);
    promised.namedMs = nowMs;
  }
}

function date(promised: Promised, nowMs: number): void {
  const deadlineMs = nowMs + promised.ttlMs + promised.extraMs;
  promised.deadlineMs = Math.max(promised.deadlineMs ?? 0, deadlineMs);
  promised.extraMs = 0;
}
