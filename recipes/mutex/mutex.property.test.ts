import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CompactedError, OutcomeUnknownError, UnavailableError } from '../../core/base/errors.js';
import { sleep } from '../../core/base/clock.js';
import { settle } from '../../core/testing/manual-clock.js';
import type { Held } from '../held.js';
import type { Fault, FaultyStore } from '../testing/faulty-store.js';
import { openWorld, type World } from '../testing/world.js';
import { Mutex } from './mutex.js';

const PROCESSES = 3;
/** After this long, a client stops waiting for an answer. */
const CALL_TIMEOUT_MS = 5_000;

type Step =
  | { readonly do: 'acquire' | 'tryAcquire' | 'release' | 'cancel' | 'breakWatches' | 'heal'; readonly who: number }
  | { readonly do: 'fault'; readonly who: number; readonly kind: FaultKind; readonly every: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'compact' };
type FaultKind = 'fail' | 'hang' | 'hangAfter' | 'loseReply' | 'loseRequest';

const who = fc.nat(PROCESSES - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('acquire', 'acquire', 'tryAcquire'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('release', 'cancel'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('breakWatches', 'heal'), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault'),
      who,
      kind: fc.constantFrom('fail', 'hang', 'hangAfter', 'loseReply', 'loseRequest'),
      every: fc.constantFrom(1, 1, 1, 2, 3),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(50, 1_000, 4_000, 8_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact') }) },
);

/** A process with its own way to the store, and what it waits for and holds. */
class Process {
  readonly lock: Mutex;
  readonly held: Held[] = [];
  waitingCount = 0;
  #giveUp = new AbortController();

  constructor(readonly way: FaultyStore) {
    this.lock = new Mutex(way, { name: 'orders' });
  }

  start(how: 'acquire' | 'tryAcquire'): void {
    this.waitingCount += 1;
    this.lock[how]({ signal: this.#giveUp.signal })
      .then((held) => held && this.held.push(held))
      .catch((error: Error & { code?: string }) => {
        expect(error.code ?? error.message).toMatch(/SESSION_LOST|UNAVAILABLE|OUTCOME_UNKNOWN|given up/);
      })
      .finally(() => (this.waitingCount -= 1));
  }

  cancel(): void {
    this.#giveUp.abort(new Error('given up'));
    this.#giveUp = new AbortController();
  }

  heal(): void {
    this.way.onCall = () => undefined;
    this.way.hear();
  }

  release(): void {
    void this.held.shift()?.release();
  }
}

async function carryOut(world: World, processes: readonly Process[], step: Step): Promise<void> {
  if (step.do === 'advance') return world.clock.advance(step.ms);
  if (step.do === 'compact') {
    const { revision } = await world.inner.put('noise', '');
    return world.inner.compact(revision);
  }
  const process = processes[step.who] as Process;
  switch (step.do) {
    case 'acquire':
    case 'tryAcquire':
      return process.start(step.do);
    case 'release':
      return process.release();
    case 'cancel':
      return process.cancel();
    case 'breakWatches':
      return process.way.breakWatches(step.who % 2 ? new UnavailableError('away') : new CompactedError(1, 2));
    case 'heal':
      return process.heal();
    case 'fault': {
      const unanswered = async () => {
        await sleep(world.clock, CALL_TIMEOUT_MS);
        throw new OutcomeUnknownError('a call');
      };
      const faults: Readonly<Record<FaultKind, Fault>> = {
        fail: { kind: 'fail', error: new UnavailableError('away') },
        loseReply: { kind: 'loseReply' },
        loseRequest: { kind: 'loseRequest' },
        hang: { kind: 'before', act: unanswered },
        hangAfter: { kind: 'after', act: unanswered },
      };
      const fault = faults[step.kind];
      if (step.every === 1) process.way.deafen();
      process.way.onCall = ({ number }) => (number % step.every === 0 ? fault : undefined);
    }
  }
}

/** Thousands of steps that wait for nothing but the machine, which may be busy. */
const PATIENCE_MS = 120_000;

test(
  'whatever the network does, one holds at a time, tokens grow, and nothing stays behind',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const world = await openWorld();
        const processes = Array.from({ length: PROCESSES }, () => new Process(world.elsewhere()));
        const live = new Set<Held>();
        const tokens: number[] = [];
        const holderCounts = new Set<number>();
        for (const { lock } of processes) {
          lock.on('acquired', (held) => {
            for (const other of live) if (other.signal.aborted) live.delete(other);
            live.add(held);
            tokens.push(held.fencingToken);
            holderCounts.add(live.size);
          });
        }

        for (const one of steps) {
          await carryOut(world, processes, one);
          await settle();
        }
        // The network heals. Everybody releases, and whoever waits has its turn.
        for (const process of processes) process.heal();
        for (let turn = 0; turn < 60 && processes.some((one) => one.waitingCount + one.held.length > 0); turn += 1) {
          for (const process of processes) process.release();
          await world.clock.advance(1_000);
        }
        await world.clock.advance(20_000);

        expect(processes.map((one) => one.waitingCount)).toEqual([0, 0, 0]);
        expect([...holderCounts].filter((count) => count > 1)).toEqual([]);
        expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
        expect(await world.keys('conclave/mutex/')).toEqual([]);
        await Promise.all(processes.map(({ lock }) => lock.dispose()));
        await world.close();
      }),
      { seed: 20, numRuns: 30, endOnFailure: true },
    );
  },
  PATIENCE_MS,
);
