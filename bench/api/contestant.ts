import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { connect, type Store } from 'conclave/core';
import type { MemberProgram } from '../../core/testing/cluster/member-program.js';
import { ProcessCluster } from '../../core/testing/cluster/process-cluster.js';
import { RawClient } from '../../core/rpc/testing/raw-client.js';
import { processorMs, residentMb } from '../cluster/contestant.js';
import type { Contest } from '../parts.js';
import type { Probed } from './member-probe.js';

const PROBE = new URL('./member-probe.js', import.meta.url).href;

/** What a part is told of whom, where and how much to measure. */
export interface Ground extends Contest {
  /** By what all counts are divided: 1 is the whole bench. */
  readonly divide: number;
}

/** One member in a process of its own, and clients of it in this one. */
export class Contestant {
  readonly #clients: RawClient[] = [];
  readonly #stores: Store[] = [];
  readonly #probePath: string | undefined;

  private constructor(
    readonly name: MemberProgram['name'],
    readonly cluster: ProcessCluster,
    probePath: string | undefined,
  ) {
    this.#probePath = probePath;
  }

  static async start(program: MemberProgram, under: string, flags: readonly string[] = []): Promise<Contestant> {
    // A path of a socket must be short.
    const probePath = program.name === 'conclave' ? join('/tmp', `conclave-probe-${process.pid}.sock`) : undefined;
    const env = { NODE_OPTIONS: `--expose-gc --import=${PROBE}`, MEMBER_PROBE: probePath ?? '' };
    const cluster = await ProcessCluster.start({
      ...{ program, under, flags, size: 1 },
      ...(probePath !== undefined && { envOf: () => env }),
    });
    return new Contestant(program.name, cluster, probePath);
  }

  get address(): { readonly host: string; readonly port: number } {
    const { hostname, port } = new URL(this.cluster.members[0]!.clientUrl);
    return { host: hostname, port: Number(port) };
  }

  /** A connection of its own, with nothing in between. */
  raw(): RawClient {
    const client = new RawClient(this.address);
    this.#clients.push(client);
    return client;
  }

  async store(): Promise<Store> {
    const store = await connect(this.cluster.members[0]!.clientUrl);
    this.#stores.push(store);
    return store;
  }

  /** What the member's process says of itself since it was last asked; undefined of a program that cannot. */
  async probed(): Promise<Probed | undefined> {
    if (this.#probePath === undefined) return undefined;
    return JSON.parse(await text(connectSocket(this.#probePath))) as Probed;
  }

  /** What the member holds: on its heap, where that can be asked; else all that is resident. */
  async heldBytes(): Promise<number> {
    return (await this.probed())?.usedBytes ?? (residentMb(this.cluster)[0] as number) * 2 ** 20;
  }

  get processorMs(): number {
    return processorMs(this.cluster);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const store of this.#stores) await store.close();
    await this.cluster.stop();
  }
}

/** Measures each program by itself, one after the other: together they would take the processor from each other. */
export async function ofEach<T>(
  { programs, under }: Ground,
  measure: (contestant: Contestant) => Promise<T>,
): Promise<{ readonly names: readonly string[]; readonly measured: readonly T[] }> {
  const measured: T[] = [];
  for (const program of programs) {
    const contestant = await Contestant.start(program, under);
    try {
      measured.push(await measure(contestant));
    } finally {
      await contestant.close();
    }
  }
  return { names: programs.map(({ name }) => name), measured };
}

/** Says how a figure of ours stands to its goal. */
export function goal(figure: number | undefined, most: number, unit: string): string {
  if (figure === undefined) return '';
  return `goal: below ${most} ${unit}: ${figure < most ? 'met' : 'MISSED'}`;
}

/** Waits for what comes by itself. @throws if it does not come in time */
export async function until(what: string, patienceMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${patienceMs} ms`);
    await delay(1);
  }
}
