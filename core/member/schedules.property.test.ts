import { expect, test } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { between, type Prng, seededPrng } from '../base/prng.js';
import { put, TestCluster, type TestNode } from './testing/member-cluster.js';

const SEEDS = [1, 2, 3, 4, 5, 6];
const FAULTS = 12;
const TTL_SECONDS = 3;
const REQUEST_MS = 7_000;

/** What a client knows of the key that it alone writes, one value after the other. */
interface Ledger {
  readonly key: string;
  /** The last value that was acknowledged. */
  acknowledged: number;
  /** Values of which nobody knows whether they were written. */
  readonly unknown: number[];
  /** Values of which the client was told that nothing was done. */
  readonly undone: Set<number>;
  attempts: number;
  /** The highest value that a linearizable read has shown. */
  seen: number;
}

test.each(SEEDS)(
  'whatever fails in between: nothing acknowledged is lost, nothing is done twice, no read goes back (seed %d)',
  async (seed) => {
    const prng = seededPrng(seed);
    const cluster = await TestCluster.started({ seed, settings: { logKeptEntries: 20 } });
    let isOver = false;
    const ledgers = cluster.nodes.map((_, i) => newLedger(`client/${i}`));
    const work = [
      ...ledgers.map((ledger) => client(cluster, ledger, prng, () => isOver)),
      keepAlive(cluster, () => isOver),
    ];

    await wreak(cluster, prng);
    await healAll(cluster);
    isOver = true;
    await cluster.until(Promise.all(work));

    await checkAll(cluster, ledgers);
    await cluster.close();
  },
  30_000,
);

function newLedger(key: string): Ledger {
  return { key, acknowledged: 0, unknown: [], undone: new Set(), attempts: 0, seen: 0 };
}

function anyNode(cluster: TestCluster, prng: Prng): TestNode | undefined {
  const running = cluster.nodes.filter(({ member, clock }) => member !== undefined && clock.isRunning);
  return running[between(prng, 0, running.length - 1)];
}

/** A call to a member that may die with it: then nobody ever answers, and the client gives up. */
function answered<T>(cluster: TestCluster, call: Promise<T>): Promise<T> {
  const gaveUp = new Promise<never>((_, reject) => {
    cluster.clock.after(REQUEST_MS + 1_000, () => reject(Object.assign(new Error('silence'), { code: 'SILENCE' })));
  });
  return Promise.race([call, gaveUp]);
}

async function client(cluster: TestCluster, ledger: Ledger, prng: Prng, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await pause(cluster, between(prng, 5, 120));
    const node = anyNode(cluster, prng);
    if (node === undefined) continue;
    if (prng.next() < 0.4) await read(cluster, node, ledger);
    else await write(cluster, node, ledger);
  }
}

async function write(cluster: TestCluster, node: TestNode, ledger: Ledger): Promise<void> {
  const value = (ledger.attempts += 1);
  try {
    await answered(cluster, put(node, ledger.key, String(value)));
    ledger.acknowledged = value;
  } catch (error) {
    const { retry, code } = error as { retry?: string; code?: string };
    if (retry === 'safe' || code === 'CLOSED') ledger.undone.add(value);
    else ledger.unknown.push(value);
  }
}

async function read(cluster: TestCluster, node: TestNode, ledger: Ledger): Promise<void> {
  const atLeast = Math.max(ledger.acknowledged, ledger.seen);
  try {
    const request = { type: 'range', key: toBytes(ledger.key) } as const;
    const { kvs } = await answered(cluster, node.m.range(request));
    const value = kvs[0] === undefined ? 0 : Number(toText(kvs[0].value));
    expect(value).toBeGreaterThanOrEqual(atLeast);
    expect(ledger.undone).not.toContain(value);
    ledger.seen = value;
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
  }
}

/** Keeps a lease alive, and looks that it never ends before its time. */
async function keepAlive(cluster: TestCluster, isOver: () => boolean): Promise<void> {
  const prng = seededPrng(99);
  while (!isOver()) {
    const node = anyNode(cluster, prng);
    const sentMs = cluster.clock.now();
    const grant = node && (await answered(cluster, node.m.leaseGrant(0n, TTL_SECONDS)).catch(() => undefined));
    if (grant === undefined) {
      await pause(cluster, 100);
      continue;
    }
    let goodUntilMs = sentMs + TTL_SECONDS * 1_000;
    while (!isOver()) {
      await pause(cluster, 700);
      const other = anyNode(cluster, prng);
      const renewedMs = cluster.clock.now();
      const renewal = other && (await answered(cluster, other.m.leaseKeepAlive(grant.id)).catch(() => undefined));
      if (renewal === undefined) continue;
      if (renewal.ttlSeconds === 0) {
        expect(cluster.clock.now()).toBeGreaterThanOrEqual(goodUntilMs);
        break;
      }
      goodUntilMs = Math.max(goodUntilMs, renewedMs + TTL_SECONDS * 1_000);
    }
  }
}

/** Things go wrong, one after the other, never with more than a minority dead at one time. */
async function wreak(cluster: TestCluster, prng: Prng): Promise<void> {
  for (let fault = 0; fault < FAULTS; fault += 1) {
    await cluster.clock.advance(between(prng, 100, 1_500));
    const node = cluster.nodes[between(prng, 0, cluster.nodes.length - 1)] as TestNode;
    switch (between(prng, 0, 6)) {
      case 0:
        await reviveAll(cluster);
        node.kill();
        break;
      case 1:
        cluster.cutOff(node);
        break;
      case 2:
        cluster.network.cut(node.id, cluster.ids[between(prng, 0, 2)] as bigint);
        break;
      case 3:
        if (node.clock.isRunning && node.member !== undefined) node.clock.pause();
        break;
      case 4:
        if (node.clock.isRunning && node.member !== undefined) {
          node.log.stick();
          cluster.clock.after(between(prng, 100, 3_000), () => node.log.release());
        }
        break;
      case 5:
        void node.member?.moveLeader(cluster.ids[between(prng, 0, 2)] as bigint).catch(() => undefined);
        break;
      default:
        cluster.network.heal();
        await reviveAll(cluster);
    }
  }
}

async function reviveAll(cluster: TestCluster): Promise<void> {
  for (const node of cluster.nodes) {
    if (node.clock.isPaused) node.clock.resume();
    if (node.clock.isKilled) void node.restart();
  }
  await cluster.clock.advance(50);
}

async function healAll(cluster: TestCluster): Promise<void> {
  cluster.network.heal();
  await reviveAll(cluster);
  for (const node of cluster.nodes) node.log.release();
  await cluster.until(() => cluster.nodes.every(({ member }) => member !== undefined));
  await cluster.untilLed();
}

async function checkAll(cluster: TestCluster, ledgers: readonly Ledger[]): Promise<void> {
  for (const { key, acknowledged, unknown, undone, attempts } of ledgers) {
    const { kvs } = await cluster.until(cluster.leader.m.range({ type: 'range', key: toBytes(key) }));
    const [kv] = kvs;
    const value = kv === undefined ? 0 : Number(toText(kv.value));
    expect(undone).not.toContain(value);
    expect(value === acknowledged || (value > acknowledged && unknown.includes(value))).toBe(true);
    // Every version is one write: at least all that were acknowledged, and never one of them twice.
    expect(kv?.version ?? 0).toBeGreaterThanOrEqual(attempts - unknown.length - undone.size);
    expect(kv?.version ?? 0).toBeLessThanOrEqual(attempts - undone.size);
    expect(attempts - unknown.length - undone.size).toBeGreaterThan(3);
  }
  await cluster.until(() => new Set(cluster.nodes.map(({ m }) => m.appliedIndex)).size === 1);
  const hashes = await cluster.until(Promise.all(cluster.nodes.map(({ m }) => m.hashKv(0))));
  expect(new Set(hashes.map(({ hash }) => hash)).size).toBe(1);
}

function pause(cluster: TestCluster, ms: number): Promise<void> {
  return new Promise((resolve) => void cluster.clock.after(ms, resolve));
}
