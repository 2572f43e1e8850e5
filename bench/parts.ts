import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CONCLAVE, ETCD, type MemberProgram } from '../core/testing/cluster/member-program.js';
import { findEtcd } from '../core/testing/etcd-process.js';
import { programCall, refuse, wholeNumber } from '../core/testing/program-options.js';

/** Who is measured, and where. */
export interface Contest {
  readonly programs: readonly MemberProgram[];
  /** Where data goes: on a disk, not in memory. */
  readonly under: string;
}

/** What a program is made of. */
interface Program<N extends string> {
  /** As `npm run` knows it. */
  readonly script: string;
  /** Run in this order, where none is named. */
  readonly parts: Readonly<Record<string, Part<N>>>;
  /** Run where they are named. */
  readonly onlyNamed?: Readonly<Record<string, Part<N>>>;
  /** Whole numbers from 1 on that may be given as options, and what they are else. */
  readonly numbers: Readonly<Record<N, number>>;
}

type Part<N extends string> = (ground: Contest & Readonly<Record<N, number>>) => Promise<void>;

/** Runs those parts of a program that it was called with. Ends it with 2 if it was called with anything else. */
export async function runParts<N extends string>(program: Program<N>, args?: string[]): Promise<void> {
  const { script, parts, onlyNamed, numbers } = program;
  const all = { ...parts, ...onlyNamed };
  const names = Object.keys(numbers) as N[];
  const usage = `npm run ${script} -- [PART]... ${names.map((name) => `[--${name} N] `).join('')}[--only conclave|etcd]
parts: ${Object.keys(all).join(', ')}`;
  const options: Record<string, { type: 'string'; default?: string }> = { only: { type: 'string' } };
  for (const name of names) options[name] = { type: 'string', default: `${numbers[name]}` };
  const {
    values: { only, ...given },
    positionals,
  } = programCall(usage, { args, allowPositionals: true, options });
  const strangers = positionals.filter((name) => !Object.hasOwn(all, name));
  if (strangers.length > 0) refuse(`no part ${strangers.join()}\n${usage}`);
  const counts = names.map((name) => [name, wholeNumber(name, given[name]!, 1)]);
  const programs = programsOf(only);
  await onDisk(async (under) => {
    const ground = { programs, under, ...(Object.fromEntries(counts) as Record<N, number>) };
    for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) await all[name]?.(ground);
  });
}

function programsOf(only: string | undefined): readonly MemberProgram[] {
  const present = findEtcd() === undefined ? [CONCLAVE] : [CONCLAVE, ETCD];
  const programs = present.filter(({ name }) => only === undefined || only === name);
  return programs.length > 0 ? programs : refuse(`--only ${only}: there is ${present.map(({ name }) => name).join()}`);
}

/** Says where it is measured, and lends a folder: beside the working folder, for a temporary one may be in memory. */
export async function onDisk(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(process.cwd(), '.bench-'));
  console.log(`Node ${process.version}, ${availableParallelism()} cores, disk ${folder}`);
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
