import type { LogEvent, Operation } from '../history/operation.js';
import { replay, type ReplayOptions } from '../replay/replay.js';
import type { Verdict } from '../verdict.js';
import { type Item, type Segment, segmentsOf, toItem } from './item.js';
import { type Model, NotOfThisModel } from './model.js';
import { type Budget, type Optional, type Possibility, SegmentSearch, SpentError } from './segment-search.js';
import { settleByValues, settled } from './settle.js';
import { States } from './states.js';
import { withoutNeedlessReads } from './witness.js';

const STEPS_MAX = 5_000_000;
const NODES_MAX = 2_000_000;
const STATES_SHOWN = 5;
/** Each segment costs something, and each operation in one a bit in each configuration. */
const SEGMENT_LEAST = 32;
/** What each object may spend at first, and by how much more at each further try. */
const FIRST_STEPS = 1 << 14;
const TIMES_MORE = 8;

/** What the search may spend on each independent object; whatever runs out, the verdict is `unknown`. */
export interface SearchOptions {
  /** Default: five million. */
  readonly stepsMax?: number;
  /** Configurations that are remembered. Default: two million. */
  readonly nodesMax?: number;
  /** Default: none; the same history then always has the same verdict. */
  readonly timeoutMs?: number;
  /** The complete write log: the history must fit it, and unknown writes are settled by it; see {@link replay}. */
  readonly log?: Iterable<LogEvent>;
  readonly logOptions?: ReplayOptions;
}

/**
 * Judges a history by searching for an order in which all operations, one at a time, would have been answered as they
 * were, each at some moment between its call and its return. Objects that the model tells apart are searched apart.
 *
 * The witness of a violation is the shortest stretch, since a moment at which nothing was open, that has no such order.
 */
export function checkLinearizable<S>(
  operations: Iterable<Operation>,
  model: Model<S>,
  options: SearchOptions = {},
): Verdict {
  try {
    const all = [...operations];
    const replayed = options.log && replay(all, options.log, options.logOptions);
    if (replayed?.verdict.verdict === 'violation') return replayed.verdict;
    const clear = replayed?.verdict.verdict === 'ok' ? settled(all, replayed.revisionOf) : all;
    return judgeAll(partitionsOf(clear, model), model, options);
  } catch (error) {
    if (error instanceof NotOfThisModel) return { verdict: 'unknown', why: error.message };
    throw error;
  }
}

/**
 * Tries all with little first, and then those that were too hard with more: where one of them has a violation that is easy
 * to find, it is found though others are hard.
 */
function judgeAll<S>(partitions: Map<string, readonly Item[]>, model: Model<S>, options: SearchOptions): Verdict {
  const { stepsMax = STEPS_MAX } = options;
  const left = new Map(partitions);
  const unknowns: string[] = [];
  let judgedCount = 0;
  for (let steps = Math.min(FIRST_STEPS, stepsMax); left.size > 0; steps = Math.min(steps * TIMES_MORE, stepsMax)) {
    for (const [partition, items] of left) {
      const verdict = judge(partition, items, model, { ...options, stepsMax: steps });
      if (verdict.verdict === 'violation') return verdict;
      if (verdict.verdict === 'unknown' && steps < stepsMax) continue;
      left.delete(partition);
      if (verdict.verdict === 'unknown') unknowns.push(verdict.why);
      else judgedCount += verdict.judgedCount;
    }
  }
  return unknowns.length > 0 ? { verdict: 'unknown', why: unknowns.join('; ') } : { verdict: 'ok', judgedCount };
}

function partitionsOf<S>(operations: readonly Operation[], model: Model<S>): Map<string, readonly Item[]> {
  const partitions = new Map<string, Item[]>();
  for (const whole of operations) {
    const partition = model.partitionOf(whole);
    const saysNothing = whole.outcome === 'fail' || (whole.outcome === 'unknown' && model.isRead(whole));
    if (partition === undefined || saysNothing) continue;
    const items = partitions.get(partition) ?? [];
    partitions.set(partition, items);
    for (const operation of model.partsOf?.(whole) ?? [whole]) items.push(toItem(operation));
  }
  return partitions;
}

function judge<S>(partition: string, all: readonly Item[], model: Model<S>, options: SearchOptions): Verdict {
  const items = model.hasValues ? settleByValues(all) : all;
  const optionals = optionalsOf(items, model);
  const known = items.filter(({ isOptional }) => !isOptional);
  const searched = (least: number) => new PartitionSearch(model, optionals, options).run(segmentsOf(known, least));
  try {
    const explain = searched(SEGMENT_LEAST);
    if (!explain) return { verdict: 'ok', judgedCount: items.length };
    return { verdict: 'violation', ...(searchedAgain(searched) ?? explain)(partition) };
  } catch (error) {
    if (error instanceof SpentError) return { verdict: 'unknown', why: `${model.name} ${partition}: ${error.message}` };
    throw error;
  }
}

/** In the least segments, so that what is shown is short; it may be that there is not enough to spend for that. */
function searchedAgain(searched: (least: number) => Explain | undefined): Explain | undefined {
  try {
    return searched(1);
  } catch (error) {
    if (error instanceof SpentError) return undefined;
    throw error;
  }
}

/** Puts a violation into words. */
type Explain = (partition: string) => { what: string; witness: readonly Operation[] };

/** A segment that has no legal order from any of these. */
interface Finding {
  readonly segment: Segment;
  readonly starts: readonly Possibility[];
  readonly stuck: Item;
}

class PartitionSearch<S> {
  readonly #model: Model<S>;
  readonly #optionals: readonly Optional[];
  readonly #states: States<S>;
  readonly #budget: Budget;

  constructor(model: Model<S>, optionals: readonly Optional[], options: SearchOptions) {
    const { stepsMax = STEPS_MAX, nodesMax = NODES_MAX, timeoutMs } = options;
    this.#model = model;
    this.#optionals = optionals;
    this.#states = new States(model);
    const deadlineMs = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
    this.#budget = { stepsLeft: stepsMax, nodesLeft: nodesMax, deadlineMs };
  }

  /** From segment to segment, and back to an earlier one to come out of it in another state where it does not go on. */
  run(segments: readonly Segment[]): Explain | undefined {
    const used = new Uint32Array(Math.ceil(this.#optionals.length / 32));
    const searches: SegmentSearch[] = [];
    const enter = (at: number, start: Possibility) =>
      (searches[at] ??= this.#searchOf(segments[at] as Segment)).run(start);
    const first: Possibility = { state: this.#states.numberOf(this.#model.initial), used };
    const runs = segments.length > 0 ? [enter(0, first)] : [];
    while (runs.length > 0) {
      const end = runs.at(-1)?.next();
      if (!end || end.done) runs.pop();
      else if (runs.length === segments.length) return undefined;
      else runs.push(enter(runs.length, end.value));
    }
    const furthest = searches.at(-1);
    if (!furthest) return undefined;
    const { starts, stuck } = furthest;
    const segment = segments[searches.length - 1] as Segment;
    return (partition) => this.#explain(partition, { segment, starts, stuck });
  }

  #explain(partition: string, { segment, starts, stuck }: Finding): { what: string; witness: readonly Operation[] } {
    const prefix = segment.filter(({ call }) => call <= stuck.return);
    const least = withoutNeedlessReads(prefix, stuck, {
      isRead: ({ operation }) => this.#model.isRead(operation),
      isImpossible: (items) => this.#isImpossible(items, starts),
    });
    const pending = this.#optionals.filter(({ item }) => item.call <= stuck.return).map(({ item }) => item);
    const states = [...new Set(starts.map(({ state }) => this.#states.show(state)))];
    const shown = states.slice(0, STATES_SHOWN).join(' or ') + (states.length > STATES_SHOWN ? ' or ...' : '');
    const what =
      `${this.#model.name} ${partition}: from ${shown} there is no order in which all of this could be answered; ` +
      `what returned at ${stuck.return} is stuck: ${JSON.stringify(stuck.operation)}`;
    return { what, witness: [...least, ...pending].map(({ operation }) => operation) };
  }

  #isImpossible(items: readonly Item[], starts: readonly Possibility[]): boolean {
    try {
      const search = this.#searchOf(items);
      return starts.every((start) => search.run(start).next().done);
    } catch (error) {
      if (error instanceof SpentError) return false;
      throw error;
    }
  }

  #searchOf(segment: Segment): SegmentSearch {
    return new SegmentSearch(this.#states, segment, this.#optionals, this.#budget);
  }
}

/** In order of their calls, with the earlier ones that do the same. */
function optionalsOf<S>(items: readonly Item[], model: Model<S>): Optional[] {
  const latest = new Map<string, number>();
  const optionals = items.filter(({ isOptional }) => isOptional).sort((a, b) => a.call - b.call);
  return optionals.map((item, at) => {
    const alike = model.alikeBy?.(item.operation);
    if (alike === undefined) return { item, twin: -1 };
    const twin = latest.get(alike) ?? -1;
    latest.set(alike, at);
    return { item, twin };
  });
}
