import { readFileSync } from 'node:fs';
import { connect, type Store } from 'conclave/core';
import type { MemberProgram } from '../../core/testing/cluster/member-program.js';
import type { MemberProcess } from '../../core/testing/cluster/member-process.js';
import { ProcessCluster } from '../../core/testing/cluster/process-cluster.js';
import type { Contest } from '../parts.js';

/** Ticks of processor time in a second, as /proc counts them on every Linux that Node runs on. */
const TICKS = 100;

/** What a part is told of whom, where and how much to measure. */
export interface Ground extends Contest {
  /** Rounds of what is done in rounds, at most. */
  readonly rounds: number;
  /** Writes of the parts that need many of them. */
  readonly puts: number;
}

/** One of those who are measured, and the same client for all of them. */
export interface Contestant {
  readonly name: string;
  readonly cluster: ProcessCluster;
}

/** Starts three members of each program, lets the work measure them side by side, and ends them. */
export async function withContestants<T>(
  { programs, under }: Ground,
  flagsOf: (program: MemberProgram) => readonly string[],
  work: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const contestants: Contestant[] = [];
  try {
    for (const program of programs) {
      const cluster = await ProcessCluster.start({ program, under, flags: flagsOf(program) });
      contestants.push({ name: program.name, cluster });
    }
    return await work(contestants);
  } finally {
    await Promise.all(contestants.map(({ cluster }) => cluster.stop()));
  }
}

/** A store at one member. */
export async function atMember({ clientUrl }: MemberProcess): Promise<Store> {
  return connect(clientUrl);
}

/** Processor time of all members so far, in milliseconds; resolution 10 ms. */
export function processorMs(cluster: ProcessCluster): number {
  return cluster.members.reduce((sum, { pid }) => sum + (pid === 0 ? 0 : processorMsOf(pid)), 0);
}

function processorMsOf(pid: number): number {
  // The second field is the command in parentheses and may have spaces; user and system time are the 14th and 15th.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS;
}

/** Memory that each member has, in MB. */
export function residentMb(cluster: ProcessCluster): number[] {
  return cluster.members.map(({ pid }) => {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) / 1_024;
  });
}
