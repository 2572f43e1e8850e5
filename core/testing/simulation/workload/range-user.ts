import { toText } from '../../../base/bytes.js';
import { hasCode } from '../../../base/errors.js';
import { prefix } from '../../../base/key-range.js';
import type { KeyValue } from '../../../base/key-value.js';
import type { SortOrder, SortTarget } from '../../../base/operation.js';
import { between } from '../../../base/prng.js';
import type { RangeAnswer, RangeOptions } from '../../../store.js';
import type { FoundKey, StoreCall } from '../../checkers/history/operation.js';
import { isSameKey } from '../invariants/applied-states.js';
import { SHARED } from './kv-user.js';
import { chance, keepAtIt, restUpTo, type Surroundings } from './surroundings.js';

const PAUSE_MS_MAX = 1_500;
const BACK_MAX = 100;
const TARGETS: readonly SortTarget[] = ['key', 'version', 'createRevision', 'modRevision', 'value'];
const ORDERS: readonly SortOrder[] = ['none', 'ascend', 'descend'];
const ALL = prefix(SHARED);
const [START, END] = [ALL.key, ALL.end as Uint8Array].map(toText) as [string, string];

/** Reads all shared keys: now or as of some revision, from anywhere or freshly, all or some, in any order. */
export async function rangeUser(surroundings: Surroundings): Promise<void> {
  await keepAtIt(surroundings, surroundings.name, async () => {
    await restUpTo(surroundings, PAUSE_MS_MAX);
    if (chance(surroundings, 0.5)) await readWhole(surroundings);
    else await readPart(surroundings);
  });
}

/** Recorded, so that it is judged with everything else. */
async function readWhole(surroundings: Surroundings): Promise<void> {
  const { store, name, history } = surroundings;
  const serializable = chance(surroundings, 0.4);
  const atRevision = chance(surroundings, 0.5) ? pastRevision(surroundings) : undefined;
  const call: StoreCall = {
    op: 'range',
    key: START,
    end: END,
    serializable,
    ...(atRevision !== undefined && { atRevision }),
  };
  const options = { serializable, ...(atRevision !== undefined && { revision: atRevision }) };
  const { toldCompaction } = history;
  const work = () => store.range(ALL, options);
  try {
    await history.track(name, call, {
      work,
      answerOf: ({ kvs, revision }) => ({ revision, kvs: kvs.map(toFound) }),
    });
    surroundings.count(serializable ? 'serializable range' : 'range');
    // A member that is behind may not know yet.
    if (!serializable) answeredThough(atRevision, toldCompaction, surroundings);
  } catch (error) {
    refusedBecause(error, atRevision, serializable, surroundings);
  }
}

/** With options of which the recorded history knows nothing. */
async function readPart(surroundings: Surroundings): Promise<void> {
  const { store, chronicle, verdict, name, history } = surroundings;
  const options = drawOptions(surroundings);
  const least = history.toldRevision;
  const answer = await store.range(ALL, options);
  history.judgedCount += 1;
  if (answer.revision < least)
    verdict.violation(`${name}: revision ${answer.revision} was read after ${least} was told`);
  history.told(answer.revision);
  const wrong = wrongInPart(answer, options, chronicle.rangeAt(ALL, answer.revision));
  if (wrong !== undefined) verdict.violation(`${name}: range with ${JSON.stringify(options)}: ${wrong}`);
}

function drawOptions(surroundings: Surroundings): RangeOptions {
  const { prng } = surroundings;
  return {
    ...(chance(surroundings, 0.5) && { limit: between(prng, 1, 4) }),
    ...(chance(surroundings, 0.5) && {
      sortTarget: TARGETS[between(prng, 0, TARGETS.length - 1)] as SortTarget,
      sortOrder: ORDERS[between(prng, 0, ORDERS.length - 1)] as SortOrder,
    }),
    ...(chance(surroundings, 0.1) && { countOnly: true }),
  };
}

function wrongInPart(
  { kvs, count, more }: RangeAnswer,
  options: RangeOptions,
  all: readonly KeyValue[],
): string | undefined {
  if (count !== all.length) return `it counts ${count} keys of ${all.length}`;
  if (options.countOnly) return kvs.length === 0 ? undefined : 'it was to count only';
  const { limit = all.length } = options;
  if (kvs.length !== Math.min(limit, all.length)) return `it tells ${kvs.length} keys of ${all.length}`;
  if (more !== limit < all.length) return `it says ${more} about more keys`;
  const byKey = new Map(all.map((kv) => [toText(kv.key), kv]));
  for (const kv of kvs) {
    const right = byKey.get(toText(kv.key));
    byKey.delete(toText(kv.key));
    if (right === undefined || !isSameKey(kv, right)) return `it tells ${toText(kv.key)} as it was not`;
  }
  return wrongInOrder(kvs, [...byKey.values()], options);
}

/** Those told are in order, and none that was left out comes before any of them. */
function wrongInOrder(
  kvs: readonly KeyValue[],
  leftOut: readonly KeyValue[],
  { sortTarget = 'key', sortOrder = 'none' }: RangeOptions,
): string | undefined {
  const sign = sortOrder === 'descend' ? -1 : 1;
  const isAfter = (one: KeyValue, other: KeyValue) => sign * compareBy(sortTarget, one, other) > 0;
  for (const [at, kv] of kvs.entries()) {
    const next = kvs[at + 1];
    if (next !== undefined && isAfter(kv, next)) return `${toText(next.key)} comes after ${toText(kv.key)}`;
  }
  const last = kvs.at(-1);
  const missed = last && leftOut.find((kv) => isAfter(last, kv));
  return missed && `${toText(missed.key)} was left out`;
}

function compareBy(target: SortTarget, one: KeyValue, other: KeyValue): number {
  if (target === 'key' || target === 'value') return Buffer.compare(one[target], other[target]);
  return one[target] - other[target];
}

function pastRevision({ history, prng }: Surroundings): number {
  return Math.max(1, history.toldRevision - between(prng, 0, BACK_MAX));
}

function answeredThough(atRevision: number | undefined, compactRevision: number, surroundings: Surroundings): void {
  if (atRevision === undefined || atRevision >= compactRevision) return;
  surroundings.verdict.violation(
    `${surroundings.name}: revision ${atRevision} was read, though ${compactRevision} had been compacted before`,
  );
}

/** What was refused as compacted was compacted, and what as future may be so only to a member that is behind. */
function refusedBecause(
  error: unknown,
  atRevision: number | undefined,
  serializable: boolean,
  { chronicle, verdict, name, count }: Surroundings,
): void {
  if (hasCode(error, 'FUTURE_REVISION') && serializable) return count('future revision');
  if (!hasCode(error, 'COMPACTED') || atRevision === undefined) throw error;
  count('compacted read');
  // On the wire the error does not tell what was compacted, so it is not asked.
  if (atRevision >= chronicle.compactRevision)
    verdict.violation(`${name}: a read of revision ${atRevision} was refused: ${(error as Error).message}`);
}

function toFound({ key, value, createRevision, modRevision, version }: KeyValue): FoundKey {
  return { key: toText(key), value: toText(value), createRevision, modRevision, version };
}
