import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { prefix } from '../base/key-range.js';
import { seededPrng } from '../base/prng.js';
import type { WatchStream } from '../store.js';
import { connectGrpc } from './grpc-store.js';
import { next } from './testing/desk-stores.js';
import { FakeMember } from './testing/fake-cluster.js';

/** Everything that takes time takes a tenth of what it takes by default, and less. */
const QUICK = {
  ...{ suspectMs: 20, secondOpinionMs: 10, connectStaggerMs: 15, watchIdleMs: 25, watchAckTimeoutMs: 200 },
  ...{ backoffMs: 1, backoffMaxMs: 8, abandonedWriteMs: 20, watchCreationsMax: 3, watchBufferEventsMax: 30 },
};
const MEMBERS = 3;
const WATCHES = 8;

const FAULTS = ['cut', 'freeze', 'refuse', 'loseLeader'] as const;
const CURES = ['thaw', 'accept', 'findLeader'] as const;

type Which = 'serving' | number;
type Step =
  | { readonly type: 'write'; readonly keys: number }
  | { readonly type: 'apply'; readonly member: Which; readonly behind: number }
  | { readonly type: (typeof FAULTS)[number] | (typeof CURES)[number]; readonly member: Which }
  | { readonly type: 'pause'; readonly ms: number };

/** Which member: the one that serves the watches, or any. */
const member = fc.constantFrom('serving' as const, 0, 1, 2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), keys: fc.integer({ min: 1, max: 4 }) }) },
  // The one in use is ahead, so that the next one is mostly behind it.
  { weight: 6, arbitrary: fc.constant({ type: 'apply' as const, member: 'serving' as const, behind: 0 }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('apply' as const), member, behind: fc.integer({ min: 0, max: 8 }) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom(...FAULTS), member: fc.constant('serving' as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom(...CURES), member }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('pause' as const), ms: fc.integer({ min: 3, max: 30 }) }) },
);

const releases: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

describe('watches over members that fail, lag and heal', () => {
  test.each([
    ['each by its own', 1],
    ['sharing', 100],
  ])('deliver every revision from the first asked for, once, whole and in order: %s', async (_, watchSharersMax) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 80 }), fc.integer(), async (steps, seed) => {
        const history: number[] = [1, 2, 3];
        const members = await Promise.all(Array.from({ length: MEMBERS }, () => FakeMember.start(history)));
        for (const each of members) each.apply(3);
        const store = await connectGrpc(
          members.map(({ link }) => link),
          { ...QUICK, watchSharersMax, prng: seededPrng(seed) },
        );
        const watches = Array.from({ length: WATCHES }, (_, i) => store.watch(prefix('k'), { from: 1 + (i % 4) }));
        const reading = watches.map((watch, i) => read(watch, 1 + (i % 4)));

        for (const each of steps) await take(each, history, members);
        for (const each of members) await heal(each, history);
        history.push(1);
        for (const each of members) each.apply(history.length);
        const seen = await Promise.all(reading.map((readUpTo) => readUpTo(history.length)));

        await store.close();
        for (const each of members) await each.close();
        const all = history.flatMap((keys, i) => Array.from({ length: keys }, () => i + 1));
        seen.forEach((revisions, i) => expect(revisions).toEqual(all.filter((revision) => revision >= 1 + (i % 4))));
      }),
      { numRuns: 6, seed: 20_261_121, endOnFailure: true },
    );
  });
});

async function take(step: Step, history: number[], members: readonly FakeMember[]): Promise<void> {
  if (step.type === 'write') return void history.push(step.keys);
  if (step.type === 'pause') return new Promise((resolve) => setTimeout(resolve, step.ms));
  const serving = members.find(({ watchCount }) => watchCount > 0) ?? members[0];
  const on = (step.member === 'serving' ? serving : members[step.member]) as FakeMember;
  const { link } = on;
  switch (step.type) {
    case 'apply':
      return on.apply(history.length - step.behind);
    case 'cut':
      return link.cut();
    case 'freeze':
      return link.freeze();
    case 'thaw':
      return link.thaw();
    case 'refuse':
      return link.isListening ? link.refuse() : undefined;
    case 'accept':
      return link.isListening ? undefined : link.accept();
    case 'loseLeader':
      return on.loseLeader();
    case 'findLeader':
      on.hasLeader = true;
  }
}

async function heal(member: FakeMember, history: readonly number[]): Promise<void> {
  member.hasLeader = true;
  member.link.thaw();
  if (!member.link.isListening) await member.link.accept();
  member.apply(history.length);
}

/** Reads on and on; the function returned waits until a revision has come. */
function read(watch: WatchStream, from: number): (upTo: number) => Promise<number[]> {
  const seen: number[] = [];
  let told = () => {};
  let failed: Error | undefined = undefined;
  const reading = (async () => {
    for (;;) {
      const { done, value } = await next(watch);
      if (done) return;
      seen.push(...value.events.map(({ kv }) => kv.modRevision));
      told();
    }
  })();
  reading.catch((error: unknown) => {
    failed = error as Error;
    told();
  });
  return async (upTo) => {
    const deadlineMs = performance.now() + 4_000;
    while ((seen.at(-1) ?? from) < upTo && failed === undefined && performance.now() < deadlineMs) {
      await new Promise<void>((resolve) => {
        told = resolve;
        setTimeout(resolve, 50);
      });
    }
    if (failed !== undefined) throw failed;
    return seen;
  };
}
