import { getHeapStatistics } from 'node:v8';
import { Chance } from './chance.js';
import { mutate, randomBytes } from './mutate.js';
import { Finding, type FuzzTarget, type Origin, usualAllocation, type Verdict } from './target.js';

const TIME_MS_MAX = 250;
const ATTEMPTS = 3;
/** One input in so many is valid, and one in so many is wholly random. */
const VALID_ONE_IN = 8;
const RANDOM_ONE_IN = 8;

/** How much of a target to try. */
export interface RunOptions {
  readonly seed: number;
  /** The first input's number. Default: 0. */
  readonly from?: number;
  readonly inputs: number;
  /** Ends earlier, when this says so. */
  readonly isOver?: () => boolean;
  /** Told before each input, for whoever watches for hangs. */
  readonly onInput?: (number: number) => void;
}

/** What was tried, and what became of it. */
export interface RunResult {
  readonly target: string;
  readonly inputs: number;
  /** As many as inputs, unless those are several in one. */
  readonly cases: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly tookMs: number;
  readonly allocatedBytesMax: number;
  readonly failure?: Failure;
}

/** An input that showed that something is wrong. */
export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly number: number;
  readonly origin: Origin;
  readonly hex: string;
  readonly why: string;
}

/** Tries inputs, one after the other, until the first that shows that something is wrong. */
export async function runTarget(target: FuzzTarget, options: RunOptions): Promise<RunResult> {
  const { seed, from = 0, inputs, isOver = () => false, onInput } = options;
  const verdicts = { read: 0, refused: 0 };
  const begunMs = performance.now();
  let [cases, allocatedBytesMax] = [0, 0];
  let failure: Failure | undefined;
  let number = from;
  for (; number < from + inputs && failure === undefined && !isOver(); number += 1) {
    onInput?.(number);
    const tried = await tryInput(target, seed, number);
    if ('failure' in tried) failure = tried.failure;
    else {
      cases += tried.cases;
      verdicts[tried.verdict] += 1;
      allocatedBytesMax = Math.max(allocatedBytesMax, tried.allocatedBytes);
    }
  }
  const tookMs = performance.now() - begunMs;
  const result = { target: target.name, inputs: number - from, cases, verdicts, tookMs, allocatedBytesMax };
  return failure === undefined ? result : { ...result, failure };
}

type Tried = (Measured & { readonly cases: number }) | { readonly failure: Failure };

async function tryInput(target: FuzzTarget, seed: number, number: number): Promise<Tried> {
  const chance = Chance.of(target.name, seed, number);
  let origin: Origin = 'valid';
  let input: Buffer = Buffer.alloc(0);
  try {
    const drawn = await target.draw(chance);
    input = Buffer.from(drawn.input);
    if (chance.oneIn(VALID_ONE_IN)) {
      await drawn.check?.();
    } else if (chance.oneIn(RANDOM_ONE_IN)) {
      origin = 'random';
      input = randomBytes(chance);
    } else {
      origin = 'mutated';
      input = mutate(input, chance);
      await drawn.damaged?.(input);
      const sealed = target.seal && chance.oneIn(2) ? target.seal(input) : undefined;
      if (sealed !== undefined) [origin, input] = ['sealed', Buffer.from(sealed)];
    }
    return { ...(await judge(target, input, origin, chance)), cases: target.cases?.(input) ?? 1 };
  } catch (error) {
    const why = error instanceof Error ? `${error.stack ?? error.message}${causeOf(error)}` : String(error);
    return { failure: { target: target.name, seed, number, origin, hex: input.toString('hex'), why } };
  }
}

/**
 * Tries one input.
 *
 * @throws whatever shows that something is wrong
 */
export async function judge(target: FuzzTarget, input: Buffer, origin: Origin, chance: Chance): Promise<Measured> {
  let excess: Finding | undefined;
  // What was slow or large once may have been the machine, or what others left to be collected.
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const measured = await measure(target, input, origin, chance);
    if (origin === 'valid' && !target.asks && measured.verdict === 'refused')
      throw new Finding('what a program of ours wrote is refused');
    excess = excessOf(target, input, measured);
    if (excess === undefined) return measured;
  }
  throw excess as Finding;
}

interface Measured {
  readonly verdict: Verdict;
  readonly allocatedBytes: number;
  readonly tookMs: number;
}

async function measure(target: FuzzTarget, input: Buffer, origin: Origin, chance: Chance): Promise<Measured> {
  const begunMs = performance.now();
  const before = allocated();
  const judged = target.judge(input, origin, chance);
  const verdict = judged instanceof Promise ? await judged : judged;
  return { verdict, allocatedBytes: Math.max(0, allocated() - before), tookMs: performance.now() - begunMs };
}

function excessOf(target: FuzzTarget, input: Buffer, { allocatedBytes, tookMs }: Measured): Finding | undefined {
  const bytesMax = (target.allocatedBytesMax ?? usualAllocation)(input.length);
  const timeMsMax = target.timeMsMax ?? TIME_MS_MAX;
  if (allocatedBytes > bytesMax)
    return new Finding(
      `${allocatedBytes} bytes are allocated for an input of ${input.length}; at most ${bytesMax} may be`,
    );
  if (tookMs > timeMsMax) return new Finding(`it takes ${tookMs.toFixed(0)} ms; at most ${timeMsMax} are allowed`);
  return undefined;
}

/** Between two of V8's collections it only grows, by what was allocated. */
function allocated(): number {
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
  return heapBytes + externalBytes;
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? `\ncaused by: ${cause.stack ?? cause.message}` : '';
}
