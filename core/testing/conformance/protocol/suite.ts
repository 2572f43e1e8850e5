import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { TOPICS } from './all-topics.js';
import type { Rule, ServerName } from './rule.js';
import { runRule } from './run-rule.js';
import type { ServerUnderTest } from './server-under-test.js';
import type { Target } from './targets.js';
import { isSince } from './versions.js';

const START_MS = 60_000;
const COLUMNS = ['passed', 'failed', 'elsewhere'] as const;

/** What has become of a case: `elsewhere` if this target is not meant. */
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
    if (isMeant(each.rule, target)) runnable.push(each);
    else fates.push({ service: each.service, fate: 'elsewhere' });
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

/** Whether a case can be run on a target. */
function isMeant({ on, members, since }: Rule, target: Target): boolean {
  if (!target.servers.includes(on)) return false;
  if (members !== undefined && members !== target.members) return false;
  return target.etcdVersion === undefined || since === undefined || isSince(target.etcdVersion, since);
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
