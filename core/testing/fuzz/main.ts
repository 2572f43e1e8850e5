/**
 * `npm run fuzz -- --inputs 100000 --seed 7 [--target frames] [--minutes 5 | --seconds 30]`: tries everything that reads bytes of
 * others. Ends with 1, the input in hexadecimal, and how to try it again, when something is wrong.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOptions, refuse } from '../program-options.js';
import type { Failure, RunResult } from './run-target.js';
import { runWatched } from './run-watched.js';
import { TARGETS } from './targets.js';

const USAGE = `npm run fuzz -- [--target NAME]... [--inputs N] [--from N] [--seed S] [--minutes M | --seconds T]
npm run fuzz -- --list`;

const values = programOptions(USAGE, {
  target: { type: 'string', multiple: true, default: [] },
  inputs: { type: 'string', default: '10000' },
  from: { type: 'string', default: '0' },
  seed: { type: 'string' },
  minutes: { type: 'string', default: '60' },
  seconds: { type: 'string' },
  list: { type: 'boolean', default: false },
});
const seconds = values.seconds === undefined ? 60 * Number(values.minutes) : Number(values.seconds);
const numbers = { inputs: Number(values.inputs), from: Number(values.from), seconds };
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const chosen = values.target.length === 0 ? TARGETS : TARGETS.filter(({ name }) => values.target.includes(name));
if (
  chosen.length < Math.max(1, new Set(values.target).size) ||
  ![...Object.values(numbers), seed].every((n) => n >= 0)
) {
  refuse(`--inputs, --from, --seed, --minutes and --seconds are numbers; --target is one of ${names()}`);
}

const LEAST_MS = 200;
const tell = (line: string) => process.stdout.write(`${line}\n`);
if (values.list) {
  for (const { name, what } of TARGETS) tell(`${name.padEnd(20)} ${what}`);
} else {
  process.exitCode = (await fuzz()) ? 1 : 0;
}

/** @returns whether something is wrong */
async function fuzz(): Promise<boolean> {
  const endMs = performance.now() + numbers.seconds * 1_000;
  let cases = 0;
  let hasFailed = false;
  tell(`${chosen.length} targets, --seed ${seed}`);
  for (const [at, target] of chosen.entries()) {
    // What time is left is shared among those that are left. Each has a moment, however slowly threads start.
    const forMs = Math.max(LEAST_MS, (endMs - performance.now()) / (chosen.length - at));
    const wanted = { seed, from: numbers.from, inputs: numbers.inputs, forMs };
    const result = await runWatched(target, wanted);
    cases += result.cases;
    hasFailed ||= result.failure !== undefined;
    tell(lineOf(result));
    if (result.failure) report(result.failure);
  }
  tell(`${cases} cases${hasFailed ? '' : ', nothing was wrong'}`);
  return hasFailed;
}

function lineOf({ target, inputs, cases, verdicts, tookMs, allocatedBytesMax }: RunResult): string {
  const speed = Math.round((cases / Math.max(1, tookMs)) * 1_000);
  const kib = Math.ceil(allocatedBytesMax / 1024);
  const columns = [
    `${inputs} inputs`,
    `${verdicts.read} read`,
    `${verdicts.refused} refused`,
    `${speed}/s`,
    `${kib} KiB`,
  ];
  return target.padEnd(20) + columns.map((column) => column.padStart(16)).join('');
}

function report({ target, seed: failedSeed, number, origin, hex, why }: Failure): void {
  const file = join(tmpdir(), `conclave-fuzz-${target}-${failedSeed}-${number}.hex`);
  writeFileSync(file, hex);
  tell(`violation: ${target} failed at input ${number} (${origin}), saved as ${file}`);
  tell(`again: --target ${target} --seed ${failedSeed} --from ${number} --inputs 1`);
  tell(`input: ${hex.length > 2_000 ? `${hex.slice(0, 2_000)}…` : hex}`);
  tell(why);
}

function names(): string {
  return TARGETS.map(({ name }) => name).join(', ');
}
