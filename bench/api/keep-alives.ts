import { setTimeout as delay } from 'node:timers/promises';
import { LeaseService } from '../../core/rpc/gen/lease.js';
import { type RawClient, type RawStream } from '../../core/rpc/testing/raw-client.js';
import { printContest } from '../cluster/table.js';
import { type Contestant, goal, type Ground, ofEach } from './contestant.js';

const LEASES = 50_000;
const CLIENTS = 500;
const TTL_SECONDS = 60;
/** A client renews a lease after a third of its life, as etcd's do. */
const RENEWED_EVERY_MS = (TTL_SECONDS * 1_000) / 3;
const RUN_MS = 40_000;
const GRANTS_AT_ONCE = 100;
const CORE_SHARE_MAX = 40;

interface Figures {
  readonly coreShare: number;
  readonly renewalsPerSecond: number;
  readonly lost: number;
  readonly lagMs: number | undefined;
}

/** Leases of many clients that are kept alive, and what of a core that takes the member. */
export async function keepAlives(ground: Ground): Promise<void> {
  const leases = Math.ceil(LEASES / ground.divide);
  const clients = Math.min(CLIENTS, leases);
  const runMs = ground.divide > 1 ? RENEWED_EVERY_MS / 4 : RUN_MS;
  const { names, measured } = await ofEach(ground, (contestant) => measure(contestant, leases, clients, runMs));
  const [ours] = measured;
  printContest(
    `${leases.toLocaleString('en')} leases of ${TTL_SECONDS} s, kept alive by ${clients} clients for ${runMs / 1_000} s`,
    names,
    [
      {
        ...{ what: 'of one core', unit: '%', figures: measured.map(({ coreShare }) => coreShare) },
        besides: goal(ours?.coreShare, CORE_SHARE_MAX, '%'),
      },
      { what: 'renewals', unit: '/s', figures: measured.map(({ renewalsPerSecond }) => renewalsPerSecond) },
      { what: 'leases that were lost', unit: '', figures: measured.map(({ lost }) => lost) },
      {
        what: "the member's event loop stands still, at most",
        unit: 'ms',
        figures: measured.map(({ lagMs }) => lagMs),
      },
    ],
  );
}

async function measure(contestant: Contestant, leases: number, clientCount: number, runMs: number): Promise<Figures> {
  const clients = Array.from({ length: clientCount }, () => contestant.raw());
  const ids = await grant(clients, leases);
  const keepers = clients.map(
    (client, at) =>
      new Keeper(
        client,
        ids.filter((_, n) => n % clientCount === at),
      ),
  );
  const ending = new AbortController();
  // Each lease is renewed once per interval, spread over all of it.
  const renewing = renewAll(keepers, ending.signal);
  await delay(Math.min(runMs, RENEWED_EVERY_MS));
  await contestant.probed();
  const [before, begunMs, beforeMs] = [sum(keepers, 'renewed'), performance.now(), contestant.processorMs];
  await delay(runMs);
  const [tookMs, processorMs] = [performance.now() - begunMs, contestant.processorMs - beforeMs];
  const renewed = sum(keepers, 'renewed') - before;
  const lagMs = (await contestant.probed())?.lagMaxMs;
  ending.abort();
  await renewing;
  for (const keeper of keepers) keeper.end();
  return {
    coreShare: (processorMs / tookMs) * 100,
    renewalsPerSecond: (renewed / tookMs) * 1_000,
    lost: sum(keepers, 'lost'),
    lagMs,
  };
}

async function grant(clients: readonly RawClient[], count: number): Promise<readonly bigint[]> {
  const ids: bigint[] = [];
  while (ids.length < count) {
    const wanted = Math.min(GRANTS_AT_ONCE, count - ids.length);
    const granted = Array.from({ length: wanted }, (_, at) =>
      clients[at % clients.length]!.unary(LeaseService.leaseGrant, { TTL: BigInt(TTL_SECONDS), ID: 0n }),
    );
    ids.push(...(await Promise.all(granted)).map(({ ID }) => ID));
  }
  return ids;
}

async function renewAll(keepers: readonly Keeper[], signal: AbortSignal): Promise<void> {
  const begunMs = performance.now();
  const total = keepers.reduce((all, { count }) => all + count, 0);
  for (let made = 0; !signal.aborted; await delay(5)) {
    const due = ((performance.now() - begunMs) / RENEWED_EVERY_MS) * total;
    for (; made < due; made += 1) keepers[made % keepers.length]!.renew();
  }
}

function sum(keepers: readonly Keeper[], what: 'renewed' | 'lost'): number {
  return keepers.reduce((all, keeper) => all + keeper[what], 0);
}

/** A client with its leases, which it renews on one stream, as etcd's do. */
class Keeper {
  renewed = 0;
  lost = 0;
  readonly #ids: readonly bigint[];
  readonly #stream: RawStream<{ ID: bigint }, { TTL: bigint }>;
  #next = 0;

  constructor(client: RawClient, ids: readonly bigint[]) {
    this.#ids = ids;
    this.#stream = client.stream(LeaseService.leaseKeepAlive);
    void this.#listen();
  }

  get count(): number {
    return this.#ids.length;
  }

  renew(): void {
    this.#stream.send({ ID: this.#ids[this.#next] as bigint });
    this.#next = (this.#next + 1) % this.#ids.length;
  }

  end(): void {
    this.#stream.cancel();
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { TTL } = await this.#stream.next();
      if (TTL > 0n) this.renewed += 1;
      else this.lost += 1;
    }
  }
}
