import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { TOPICS } from './all-topics.js';
import { FEATURES_NOT_YET, METHODS_NOT_YET, PATHS_NOT_YET, UNPROVED } from './not-yet.js';
import type { Rule, ServerName, Step } from './rule.js';
import { runRule } from './run-rule.js';
import type { ServerUnderTest } from './server-under-test.js';
import type { Target } from './targets.js';
import { isSince } from './versions.js';

const START_MS = 60_000;
const COLUMNS = ['passed', 'failed', 'waiting', 'elsewhere'] as const;

/** What has become of a case: `waiting` for Conclave to have it, `elsewhere` if this target is not meant. */
type Fate = (typeof COLUMNS)[number];

interface Placed {
  readonly service: string;
  readonly rule: Rule;
}

/** The whole table on a target; tells at the end what became of it, a line for each service. */
export function protocolSuite(target: Target): void {
  const fates: { service: string; fate: Fate }[] = [];
  const placed = TOPICS.flatMap(({ service, rules }) => rules.map((rule): Placed => ({ service, rule })));
  const servers = new Map<ServerName, Promise<readonly ServerUnderTest[]>>();
  const runnable: Placed[] = [];
  for (const each of placed) {
    const fate = fateBefore(each, target);
    if (fate) fates.push({ service: each.service, fate });
    else runnable.push(each);
  }

  describe(target.name, () => {
    beforeAll(async () => {
      for (const name of target.servers) servers.set(name, target.start(name));
      await Promise.all(servers.values());
    }, START_MS);
    afterAll(async () => {
      tell(target.name, fates);
      await target.stop();
    }, START_MS);

    const run = async ({ rule }: Placed, at: number) => {
      const members = (await servers.get(rule.on)) as readonly ServerUnderTest[];
      const server = members[at % members.length] as ServerUnderTest;
      await runRule(rule, server);
    };
    for (const name of target.servers) {
      const here = runnable.filter(({ rule }) => rule.on === name);
      const inTurn = here.filter(({ rule }) => !rule.waits);
      const beside = here.filter(({ rule }) => rule.waits);
      let waits: Promise<void>[] | undefined;
      const runBeside = (at: number) => {
        waits ??= beside.map((each, index) => run(each, index));
        for (const wait of waits) wait.catch(() => {});
        return waits[at];
      };
      for (const [at, each] of inTurn.entries()) declare(each, () => run(each, at));
      for (const [at, each] of beside.entries()) declare(each, async () => runBeside(at));
    }
  });

  function declare(each: Placed, body: () => Promise<void>): void {
    test(`${each.service}: ${each.rule.name}`, async () => {
      const entry: { service: string; fate: Fate } = { service: each.service, fate: 'failed' };
      fates.push(entry);
      await body();
      entry.fate = 'passed';
    });
  }
}

/** Why a case is not run at all, if it is not. */
function fateBefore({ service, rule }: Placed, target: Target): Fate | undefined {
  if (!target.servers.includes(rule.on)) return 'elsewhere';
  if (rule.members !== undefined && rule.members !== target.members) return 'elsewhere';
  if (target.etcdVersion !== undefined)
    return rule.since === undefined || isSince(target.etcdVersion, rule.since) ? undefined : 'elsewhere';
  return UNPROVED.includes(service) || isWaiting(rule) ? 'waiting' : undefined;
}

/** Whether a case needs what Conclave has not yet. */
function isWaiting(rule: Rule): boolean {
  if (rule.needs.some((feature) => feature in FEATURES_NOT_YET)) return true;
  const methods: readonly string[] = METHODS_NOT_YET;
  const paths = Object.keys(PATHS_NOT_YET);
  return rule.steps
    .flatMap(usedBy)
    .some((used) => methods.includes(used) || paths.some((path) => used.startsWith(path)));
}

/** Methods and paths that a step uses. */
function usedBy(step: Step): string[] {
  switch (step.do) {
    case 'call':
      return [step.method];
    case 'http':
      return [pathOf(step.line)];
    case 'eventually':
    case 'begin':
      return usedBy(step.call);
    case 'open':
      return [step.method.includes(' ') ? pathOf(step.method) : step.method];
    case 'send':
      return step.stream.includes(' ') ? [] : [step.stream];
    default:
      return [];
  }
}

function pathOf(line: string): string {
  return (line.split(' ')[1] ?? '').replace(/\?.*/, '');
}

function tell(name: string, fates: readonly { service: string; fate: Fate }[]): void {
  const services = [...new Set(TOPICS.map(({ service }) => service))];
  const lineOf = (title: string, counted: readonly { fate: Fate }[]) => {
    const counts = COLUMNS.map((fate) => counted.filter((each) => each.fate === fate).length);
    return `  ${title.padEnd(14)}${COLUMNS.map((fate, at) => `${String(counts[at]).padStart(5)} ${fate}`).join('')}\n`;
  };
  const lines = services.map((service) =>
    lineOf(
      service,
      fates.filter((each) => each.service === service),
    ),
  );
  process.stdout.write(`${name}\n${lines.join('')}${lineOf('in all', fates)}`);
}
