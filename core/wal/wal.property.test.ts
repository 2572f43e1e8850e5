import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LogDamagedError } from '../base/errors.js';
import { seededPrng } from '../base/prng.js';
import type { Entry, HardState } from '../raft/types.js';
import { SEGMENT_HEADER_BYTES } from './format.js';
import { VirtualDisk } from '../testing/simulation/disk/virtual-disk.js';
import { entriesOf, hardState, LOG, openLog, shown } from './testing/log-fixture.js';

/**
 * The log against a list. The model knows the entries that were acknowledged, and what is committed and compacted; the
 * log must give back that list from its first index on, after every reopening and every power cut.
 */
interface Model {
  readonly entries: Entry[];
  hardState: HardState;
  compactedIndex: number;
}

type Step =
  | { readonly type: 'append'; readonly back: number; readonly sizes: readonly number[]; readonly vote: boolean }
  | { readonly type: 'commit' }
  | { readonly type: 'compact'; readonly back: number }
  | { readonly type: 'reset'; readonly ahead: number; readonly vote: boolean }
  | { readonly type: 'reopen' }
  | { readonly type: 'powerCut'; readonly seed: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(12) }),
      sizes: fc.array(fc.nat(400), { maxLength: 6 }),
      vote: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'commit' as const }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('reset' as const), ahead: fc.nat(10), vote: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'reopen' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('powerCut' as const), seed: fc.nat() }) },
);

test('appending, overwriting, compacting, beginning anew, reopening and power cuts leave what a list would hold', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3_000 }), run), {
    seed: 4_711,
    numRuns: 150,
  });
});

async function run(steps: readonly Step[], segmentRoomBytes: number): Promise<void> {
  const model: Model = { entries: [], hardState: { term: 0, votedFor: 0n, commitIndex: 0 }, compactedIndex: 0 };
  const options = { segmentBytes: SEGMENT_HEADER_BYTES + segmentRoomBytes };
  let disk = new VirtualDisk();
  let { wal } = await openLog(disk, options);
  for (const taken of [...steps, { type: 'reopen' as const }]) {
    switch (taken.type) {
      case 'append': {
        const { hardState, entries } = appended(model, taken);
        await wal.append(hardState, entries);
        break;
      }
      case 'commit':
        model.hardState = { ...model.hardState, commitIndex: model.entries.length };
        await wal.append(model.hardState, []);
        break;
      case 'compact':
        model.compactedIndex = Math.max(model.compactedIndex, model.hardState.commitIndex - taken.back);
        await wal.compactTo(model.compactedIndex);
        break;
      case 'reset': {
        const position = overtaken(model, taken);
        await wal.reset(position, model.hardState);
        break;
      }
      case 'powerCut':
        disk = disk.afterPowerCut(seededPrng(taken.seed));
        wal = await reopened(disk, model, options);
        break;
      case 'reopen':
        await wal.close();
        wal = await reopened(disk, model, options);
        break;
    }
  }
}

/** What an append writes, done to the model first. */
function appended(model: Model, { back, sizes, vote }: Extract<Step, { type: 'append' }>) {
  const kept = Math.max(model.hardState.commitIndex, model.entries.length - back);
  const overwrites = kept < model.entries.length && sizes.length > 0;
  const term = model.hardState.term + (vote || overwrites ? 1 : 0);
  const hardState = term > model.hardState.term ? { ...model.hardState, term, votedFor: BigInt(term) } : undefined;
  model.hardState = hardState ?? model.hardState;
  const entries = sizes.map((size, position) => ({
    index: kept + 1 + position,
    term,
    data: Buffer.alloc(size, 97 + ((kept + position + term) % 26)),
  }));
  if (entries.length > 0) model.entries.splice(kept, Infinity, ...entries);
  return { hardState, entries };
}

/** Where a snapshot lets the log begin anew, done to the model first: in place of what it holds come entries nobody reads. */
function overtaken(model: Model, { ahead, vote }: Extract<Step, { type: 'reset' }>) {
  const index = model.hardState.commitIndex + 1 + ahead;
  const term = model.hardState.term + (vote ? 1 : 0);
  model.hardState = { term, votedFor: vote ? 0n : model.hardState.votedFor, commitIndex: index };
  model.compactedIndex = index;
  const filler = Array.from({ length: index }, (_, at) => ({ index: at + 1, term, data: Buffer.alloc(0) }));
  model.entries.splice(0, Infinity, ...filler);
  return { index, term };
}

async function reopened(disk: VirtualDisk, model: Model, options: { segmentBytes: number }) {
  const opened = await openLog(disk, options);
  const { firstIndex, previousTerm, entries, hardState } = opened;
  expect(hardState).toEqual(model.hardState);
  expect(firstIndex).toBeLessThanOrEqual(model.compactedIndex + 1);
  expect(shown(entries)).toEqual(shown(model.entries.slice(firstIndex - 1)));
  expect(previousTerm).toBe(model.entries[firstIndex - 2]?.term ?? 0);
  return opened.wal;
}

test('whatever becomes of the bytes of a segment, the log gives a beginning of what was written, or says that it is damaged', async () => {
  const written = new VirtualDisk();
  const { wal } = await openLog(written);
  for (let index = 1; index <= 12; index += 3) await wal.append(hardState(1, index - 1), entriesOf(index, index + 2));
  const [name] = await written.list(LOG);
  const path = `${LOG}/${name}`;
  const whole = written.contentOf(path);

  const splice = fc.record({
    at: fc.nat(1_200),
    taken: fc.nat(300),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(1_000).map((from) => whole.subarray(from, from + 200)),
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(splice, { minLength: 1, maxLength: 3 }), async (splices) => {
      const disk = written.afterPowerCut('nothing');
      let bytes = whole;
      for (const { at, taken, put } of splices)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + taken)]);
      disk.alter(path, bytes);

      const found = await openLog(disk).then(
        ({ entries }) => entries,
        (error: unknown) => error,
      );

      if (found instanceof Error) expect(found).toBeInstanceOf(LogDamagedError);
      else expect(shown(found as Entry[])).toEqual(shown(entriesOf(1, (found as Entry[]).length)));
    }),
    { seed: 1_106, numRuns: 500 },
  );
});
