/**
 * `npm run nemesis -- --minutes 15 --seed 7`: two things at a time happen to a cluster of processes under load, and every
 * promise is checked. `--only kill,cut-off` for these faults alone; `--against etcd` for the same on a real etcd.
 * `npm run nemesis -- --drill kills --rounds 1000`: one thing, so often. `--json FILE` for the summary; else it is a line.
 *
 * Ends with 1, the seed, what happened and the members' logs when something was broken or could not be judged.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { CONCLAVE, ETCD } from '../cluster/member-program.js';
import { programOptions, refuse, wholeNumber } from '../program-options.js';
import { DRILLS, runDrill } from './drills/drills.js';
import { ALL_FAULTS } from './faults/all-faults.js';
import { runWithOwnMounts } from './equipment/own-mounts.js';
import { runFor } from './rounds.js';

const USAGE = `npm run nemesis -- [--minutes M | --seconds T] [--seed S] [--members 3] [--clients 16] [--rate 100] [--only FAULT,FAULT...]
                   [--against conclave|etcd] [--json FILE]
npm run nemesis -- --drill NAME [--rounds N] [--seed S] [--members 3] [--against conclave|etcd] [--json FILE]`;

const values = programOptions(USAGE, {
  minutes: { type: 'string', default: '1' },
  /** Instead of minutes. */
  seconds: { type: 'string' },
  /** Answered operations in a second, below which a run is void. */
  rate: { type: 'string', default: '100' },
  seed: { type: 'string' },
  members: { type: 'string', default: '3' },
  clients: { type: 'string', default: '16' },
  only: { type: 'string' },
  against: { type: 'string', default: CONCLAVE.name },
  drill: { type: 'string' },
  rounds: { type: 'string' },
  json: { type: 'string' },
});

const code = await runWithOwnMounts();
if (code !== undefined) process.exit(code);

const program = [CONCLAVE, ETCD].find(({ name }) => name === values.against) ?? refuse('--against conclave or etcd');
const forMs = values.seconds === undefined ? Number(values.minutes) * 60_000 : Number(values.seconds) * 1_000;
if (!(forMs > 0)) refuse('--minutes and --seconds are numbers above 0');
const only = values.only?.split(',');
const strangers = only?.filter((name) => !ALL_FAULTS.some((fault) => fault.name === name)) ?? [];
if (strangers.length > 0)
  refuse(`no fault ${strangers.join()}; there are ${ALL_FAULTS.map(({ name }) => name).join()}`);
const drill = DRILLS.find(({ name }) => name === values.drill);
if (values.drill !== undefined && !drill) {
  refuse(`no drill ${values.drill}; there are ${DRILLS.map(({ name }) => name).join()}`);
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
const common = {
  seed: values.seed === undefined ? randomInt(2 ** 31) : wholeNumber('seed', values.seed, 0),
  size: wholeNumber('members', values.members, 1),
  program,
  signal: interrupted.signal,
  tell: (line: string) => void process.stdout.write(`${line}\n`),
};
const summary = drill
  ? await runDrill(drill, { ...common, rounds: wholeNumber('rounds', values.rounds ?? `${drill.rounds}`, 1) })
  : await runFor(forMs, {
      ...common,
      clients: wholeNumber('clients', values.clients, 1),
      rateLeast: wholeNumber('rate', values.rate, 0),
      ...(only && { only }),
    });
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(summary)}\n`);
common.tell(JSON.stringify({ ...summary, violations: summary.violations.length }));
for (const violation of summary.violations) common.tell(`violation: ${violation}`);
const took = 'seeds' in summary ? `${summary.seeds.length} seeds` : `${summary.rounds} cases`;
common.tell(`${took}: ${summary.violations.length === 0 ? 'nothing was broken' : 'promises were broken'}`);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
