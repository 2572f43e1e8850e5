import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import { systemClock } from '../../../base/system-clock.js';
import { KVService } from '../../../rpc/gen/kv.js';
import type { Context, Runner } from '../../asking/runner.js';
import { goQuote } from '../../print/go-quote.js';
import { keyRangeOf } from '../keys/key-range-flags.js';
import { deleteRequest, plainRange } from '../keys/requests.js';
import { defragment } from './defrag.js';
import { type Load, type LoadResult, runLoad } from './load.js';
import { residentBytes } from './memory.js';

/** How hard `check perf` works. @remarks Source: etcdctl's own workloads. */
export interface PerfLoad {
  readonly putsPerSecond: number;
  readonly clients: number;
  readonly seconds: number;
}

/** How much `check datascale` puts. */
export interface ScaleLoad {
  readonly puts: number;
  readonly clients: number;
}

type Size = 's' | 'm' | 'l' | 'xl';

const PERF: Readonly<Record<Size, PerfLoad>> = {
  s: { putsPerSecond: 150, clients: 50, seconds: 60 },
  m: { putsPerSecond: 1_000, clients: 200, seconds: 60 },
  l: { putsPerSecond: 8_000, clients: 500, seconds: 60 },
  xl: { putsPerSecond: 15_000, clients: 1_000, seconds: 60 },
};

const SCALE: Readonly<Record<Size, ScaleLoad>> = {
  s: { puts: 10_000, clients: 50 },
  m: { puts: 100_000, clients: 200 },
  l: { puts: 1_000_000, clients: 500 },
  xl: { puts: 3_000_000, clients: 1_000 },
};

const SIZES: Readonly<Record<string, Size>> = {
  s: 's',
  small: 's',
  m: 'm',
  medium: 'm',
  l: 'l',
  large: 'l',
  xl: 'xl',
  xLarge: 'xl',
};

/** What is asked of a cluster. Times are in seconds. */
const LIMITS = { throughput: 0.9, slowest: 0.5, stddev: 0.1 } as const;

/** A timer is no finer than about a millisecond: so much that is late is made up for. */
const CATCH_UP_MS = 10;

interface Flags {
  readonly load: string;
  readonly prefix: string;
  readonly autoCompact?: boolean;
  readonly autoDefrag?: boolean;
}

/** Whether a cluster is fast and large enough. */
export function addCheckCommands(program: Command, runner: Runner): void {
  const check = program
    .command('check')
    .summary('tells whether the cluster is fast and large enough')
    .description('Whether the cluster is fast and large enough. Not for one that serves others at that moment.');
  addLoadFlags(
    check.command('perf').description('Puts keys for a minute, and tells whether that went fast enough.'),
    'perf',
  ).action((flags: Flags) => runner.asking((context) => checkPerf(context, flags, PERF[sizeOf(flags)])));
  addLoadFlags(
    check.command('datascale').description('Puts many keys, and tells how much memory they take.'),
    'datascale',
  ).action((flags: Flags) => runner.asking((context) => checkScale(context, flags, SCALE[sizeOf(flags)])));
}

function addLoadFlags(command: Command, name: string): Command {
  return command
    .option('--load <s|m|l|xl>', 'how hard: small, medium, large or extra large', 's')
    .option('--prefix <prefix>', 'where the keys are put, and deleted again', `/etcdctl-check-${name}/`)
    .option('--auto-compact', 'forget their history afterwards')
    .option('--auto-defrag', 'give their space back afterwards');
}

function sizeOf({ load }: Flags): Size {
  const size = SIZES[load];
  if (size === undefined) throw new InvalidArgumentError('--load', load, 'one of s, m, l, xl');
  return size;
}

/** Puts keys at a rate, and judges. @returns whether all was well */
export async function checkPerf(context: Context, flags: Flags, load: PerfLoad): Promise<boolean> {
  await refuseKeys(context, flags.prefix);
  const result = await runLoad(context.client.settings, {
    ...{ prefix: flags.prefix, clients: load.clients, keyBytes: 256, valueBytes: 1_024 },
    next: paced(load),
  });
  await cleanUp(context, flags);
  return verdict(context, result, load.putsPerSecond);
}

/** Puts keys as fast as it goes, and tells what memory the first endpoint took for them. @returns whether all was well */
export async function checkScale(context: Context, flags: Flags, { puts, clients }: ScaleLoad): Promise<boolean> {
  const { say, client, settings } = context;
  await refuseKeys(context, flags.prefix);
  const endpoint = client.endpoints[0] as string;
  const unreadable = (when: string) =>
    say(`FAIL: Could not read process_resident_memory_bytes ${when} the put operations.`);
  const before = await residentBytes(endpoint, settings);
  if (before === undefined) return (unreadable('before'), false);
  say(
    `Start data scale check for work load [${puts} key-value pairs, 1024 bytes per key-value, ${clients} concurrent clients].`,
  );
  let left = puts;
  const next = async () => left-- > 0;
  const load: Load = { prefix: flags.prefix, clients, keyBytes: 512, valueBytes: 512, next };
  const { errors } = await runLoad(client.settings, load);
  const after = await residentBytes(endpoint, settings);
  await cleanUp(context, flags);
  if (after === undefined) return (unreadable('after'), false);
  if (tellErrors(context, errors)) return false;
  say(`PASS: Approximate system memory used : ${((after - before) / (1_024 * 1_024)).toFixed(2)} MB.`);
  return true;
}

async function refuseKeys({ client }: Context, prefix: string): Promise<void> {
  const { kvs } = await client.ask(
    KVService.range,
    plainRange({ ...keyRangeOf(prefix, undefined, { prefix: true }), limit: 1n }),
  );
  if (kvs.length === 0) return;
  throw new Error(`prefix ${goQuote(prefix)} has keys. Delete with conclave del --prefix ${prefix} first`);
}

async function cleanUp(context: Context, { prefix, autoCompact = false, autoDefrag = false }: Flags): Promise<void> {
  const { client, say } = context;
  const { header } = await client.ask(KVService.deleteRange, deleteRequest(prefix, undefined, { prefix: true }));
  if (autoCompact) {
    say(`Compacting with revision ${header?.revision ?? 0}`);
    await client.ask(KVService.compact, { revision: BigInt(header?.revision ?? 0), physical: true });
    say(`Compacted with revision ${header?.revision ?? 0}`);
  }
  if (autoDefrag) await defragment(context, false);
}

/** So many a second, for so many seconds. What those who ask are too slow for is not made up for. */
function paced({ putsPerSecond, seconds }: PerfLoad): () => Promise<boolean> {
  const end = systemClock.now() + seconds * 1_000;
  const intervalMs = 1_000 / putsPerSecond;
  let nextAt = systemClock.now();
  return async () => {
    const now = systemClock.now();
    nextAt = Math.max(nextAt + intervalMs, now - CATCH_UP_MS);
    if (nextAt >= end) return false;
    if (nextAt > now) await delay(nextAt - now);
    return true;
  };
}

/** @returns whether there were any */
function tellErrors({ say }: Context, errors: LoadResult['errors']): boolean {
  if (errors.size === 0) return false;
  say('FAIL: too many errors');
  for (const [text, count] of errors) say(`FAIL: ERROR(${text}) -> ${count}`);
  return true;
}

/** In etcdctl's words. */
function verdict(context: Context, { putsPerSecond, slowest, stddev, errors }: LoadResult, wanted: number): boolean {
  const { say } = context;
  const judge = (isWell: boolean, well: string, badly: string): boolean => (
    say(isWell ? `PASS: ${well}` : badly),
    isWell
  );
  const rate = Math.floor(putsPerSecond) + 1;
  const isWell = [
    !tellErrors(context, errors),
    judge(
      putsPerSecond / wanted > LIMITS.throughput,
      `Throughput is ${rate} writes/s`,
      `FAIL: Throughput too low: ${rate} writes/s`,
    ),
    judge(
      slowest <= LIMITS.slowest,
      `Slowest request took ${slowest.toFixed(6)}s`,
      `Slowest request took too long: ${slowest.toFixed(6)}s`,
    ),
    judge(stddev <= LIMITS.stddev, `Stddev is ${stddev.toFixed(6)}s`, `Stddev too high: ${stddev.toFixed(6)}s`),
  ].every((one) => one);
  say(isWell ? 'PASS' : 'FAIL');
  return isWell;
}
