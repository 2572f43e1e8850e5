import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../connect.js';
import type { Store } from '../../../store.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import { ProcessCluster } from '../../cluster/process-cluster.js';
import type { Drill, DrillOptions, DrillResult } from './drill.js';
import { RawWatch } from './raw-watch.js';

const PREFIX = 'watched/';
const VALUE = new Uint8Array(1_024).fill(7);
const KEYS = 100;
const AT_ONCE = 64;
const SLOW_READERS = 10;
const WARM_PUTS = 20_000;
/** How much more memory the member may have for all of them together; the events alone are many times as much. */
const MORE_MB_MOST = 128;
const ALL_READ_MS = 120_000;

/**
 * Some readers of a watch stop reading while so many events come. The member that serves them keeps no more than it may. Then
 * half of them read on, and have every event; the others are told that history was compacted past their place. Rounds are
 * events.
 */
export const slowWatcher: Drill = { name: 'slow-watcher', rounds: 100_000, run };

async function run({ rounds, program, signal, tell }: DrillOptions): Promise<DrillResult> {
  const cluster = await ProcessCluster.start({ program, size: 3 });
  const server = await cluster.leader();
  const store = await connect(server.clientUrl);
  const readers: RawWatch[] = [];
  try {
    // What a member's memory grows by under load alone is not the readers'.
    await putAll(store, WARM_PUTS, signal);
    const alone = await growth(server, () => putAll(store, rounds, signal));
    const from = (await store.put(`${PREFIX}0`, VALUE)).revision;
    for (let at = 0; at < SLOW_READERS; at += 1) readers.push(new RawWatch(server.clientUrl, PREFIX, from));
    await until(() => readers.every(({ eventCount }) => eventCount > 0));
    for (const reader of readers) reader.stopReading();
    const withReaders = await growth(server, () => putAll(store, rounds, signal));
    const { revision } = await store.put(`${PREFIX}0`, VALUE);
    const moreMb = Math.round(withReaders - Math.max(0, alone));
    tell(`${rounds} events later the member has ${moreMb} MB more`);
    const told = await readOn(readers, { store, revision });
    const mb = moreMb > MORE_MB_MOST ? [`the member had ${moreMb} MB more, of at most ${MORE_MB_MOST}`] : [];
    return {
      violations: [...mb, ...told],
      figures: {
        events: rounds,
        slowReaders: SLOW_READERS,
        moreMb,
        delivered: sum(readers),
        eventMb: Math.round(rounds / 1_024),
      },
    };
  } catch (error) {
    throw cluster.explain(error);
  } finally {
    for (const reader of readers) reader.close();
    await store.close();
    await cluster.stop();
  }
}

async function readOn(
  readers: readonly RawWatch[],
  { store, revision }: { readonly store: Store; readonly revision: number },
): Promise<string[]> {
  const [some, others] = [readers.slice(0, readers.length / 2), readers.slice(readers.length / 2)];
  for (const reader of some) reader.readOn();
  await until(() => some.every((reader) => reader.revision >= revision || reader.ended !== undefined));
  await store.compact(revision);
  for (const reader of others) reader.readOn();
  await until(() => others.every((reader) => reader.ended !== undefined || reader.revision >= revision));
  return [
    ...readers.flatMap(({ disorder }) => disorder.slice(0, 3)),
    ...some
      .filter((reader) => reader.revision < revision)
      .map(({ ended }) => `a reader that read on was ended: ${ended}`),
    ...others
      .filter((reader) => reader.ended !== 'COMPACTED' && reader.revision < revision)
      .map(({ ended }) => `a reader was not told that its place was compacted: ${ended}`),
  ];
}

/** By how many MB a member's memory is larger after something. */
async function growth(member: MemberProcess, work: () => Promise<void>): Promise<number> {
  const before = residentMb(member);
  await work();
  return residentMb(member) - before;
}

function sum(readers: readonly RawWatch[]): number {
  return readers.reduce((count, { eventCount }) => count + eventCount, 0);
}

async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + ALL_READ_MS;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`the readers do not come to the end within ${ALL_READ_MS} ms`);
    await delay(10);
  }
}

async function putAll(store: Store, count: number, signal: AbortSignal): Promise<void> {
  let begun = 0;
  const write = async () => {
    while (begun < count && !signal.aborted) {
      begun += 1;
      await store.put(`${PREFIX}${begun % KEYS}`, VALUE);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, write));
}

function residentMb({ pid }: MemberProcess): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1_024;
}
