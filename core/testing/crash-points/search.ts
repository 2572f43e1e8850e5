import { type Choice, CHOICES } from './choices.js';
import type { Rehearsable } from './rehearsal.js';
import { type Failure, type Place, runScenario, type ScenarioResult, type Stride } from './run-scenario.js';

/** Of each scenario, where there may be no time for all: so many are tried of every one before more of any. */
const FIRST_CASES = 2 * CHOICES.length;

/** What is to be tried. Plain data, for it goes to another thread. */
export interface SearchOrder {
  /** Scenarios whose names contain this. */
  readonly scenario: string;
  /** Crashes in this operation alone. */
  readonly at: number | undefined;
  /** Only this may survive. */
  readonly choice: Choice | undefined;
  /** In all; spread over scenarios and operations. */
  readonly cases: number;
  /** After so much time no further case is begun. */
  readonly seconds: number;
  /** After a failure, too. */
  readonly keepsGoing: boolean;
}

/** What is wrong, in words. */
export interface Finding {
  readonly place: Place;
  readonly operation?: string;
  readonly why: string;
}

/** What became of a scenario, as it can be told to another thread. */
export type ScenarioReport = Omit<ScenarioResult, 'failures'> & { readonly findings: readonly Finding[] };

export interface Listener {
  readonly onPlace: (place: Place) => void;
  readonly onReport: (report: ScenarioReport) => void;
}

/** The scenarios that an order is about. */
export function scenariosOf(all: readonly Rehearsable[], { scenario }: SearchOrder): readonly Rehearsable[] {
  return all.filter(({ name }) => name.includes(scenario));
}

/** Tries one scenario after the other, until there is no more time, or something is wrong. */
export async function search(all: readonly Rehearsable[], order: SearchOrder, listener: Listener): Promise<void> {
  const scenarios = scenariosOf(all, order);
  const endMs = performance.now() + order.seconds * 1_000;
  const isOver = () => performance.now() > endMs;
  const choices = order.choice === undefined ? CHOICES : [order.choice];
  const { keepsGoing } = order;
  for (const casesEach of roundsOf(order, scenarios.length)) {
    const strideFor = (operationCount: number) => strideOf(order, (operationCount * choices.length) / casesEach);
    for (const scenario of scenarios) {
      if (isOver()) return;
      const options = { strideFor, choices, keepsGoing, isOver, onPlace: listener.onPlace };
      const { failures, ...counts } = await runScenario(scenario, options);
      listener.onReport({ ...counts, findings: failures.map(findingOf) });
      if (failures.length > 0 && !keepsGoing) return;
    }
  }
}

/** How many cases of each scenario are tried, round after round. */
function roundsOf({ cases, seconds, at }: SearchOrder, scenarioCount: number): readonly number[] {
  const casesEach = cases / scenarioCount;
  const mayRunOut = Number.isFinite(seconds) && at === undefined && casesEach > FIRST_CASES;
  return mayRunOut ? [FIRST_CASES, casesEach] : [casesEach];
}

function strideOf({ at }: SearchOrder, every: number): Stride {
  if (at !== undefined) return { from: at, every: Number.POSITIVE_INFINITY };
  return { from: 0, every: Math.max(1, Math.ceil(every)) };
}

function findingOf({ error, ...where }: Failure): Finding {
  return { ...where, why: reasonsOf(error) };
}

function reasonsOf(error: Error): string {
  const reasons: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) reasons.push(each.message);
  return [...new Set(reasons)].join('; because ');
}
