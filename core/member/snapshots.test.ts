import { afterEach, describe, expect, test } from '@jest/globals';
import { toBytes, toText } from '../base/bytes.js';
import { prefix } from '../base/key-range.js';
import type { Watcher } from '../watch/hub.js';
import { codesOf } from './testing/codes.js';
import { get, put, TestCluster, type TestNode } from './testing/member-cluster.js';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

/** A cluster that keeps little of its log, so that whoever is away for long needs a snapshot. */
async function started(options?: Parameters<typeof TestCluster.started>[0]): Promise<TestCluster> {
  const cluster = await TestCluster.started({ settings: { logKeptEntries: 10 }, ...options });
  clusters.push(cluster);
  return cluster;
}

async function putMany(cluster: TestCluster, node: TestNode, count: number, value = 'x'): Promise<void> {
  for (let i = 0; i < count; i += 10) {
    await cluster.until(Promise.all(Array.from({ length: 10 }, (_, j) => put(node, `key/${(i + j) % 50}`, value))));
  }
}

/** Everything that a watcher has been told, as `revision:key`. */
function taken(watcher: Watcher): string[] {
  const events: string[] = [];
  for (let next = watcher.take(); next !== undefined; next = watcher.take()) {
    if (next.type === 'compacted') events.push(`compacted at ${next.compactRevision}`);
    else for (const { kv } of next.batch.events) events.push(`${next.batch.revision}:${toText(kv.key)}`);
  }
  return events;
}

async function hashes(cluster: TestCluster): Promise<Set<number>> {
  const all = await cluster.until(Promise.all(cluster.nodes.map(({ m }) => m.hashKv(0))));
  return new Set(all.map(({ hash }) => hash));
}

describe('a member that lags too far behind', () => {
  test('receives a snapshot while writes go on, and has everything afterwards', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);

    cluster.network.heal();
    const writes = putMany(cluster, cluster.leader, 50, 'later');
    await cluster.until(writes);
    await cluster.until(() => late.m.appliedIndex === cluster.leader.m.appliedIndex);

    expect(late.states.installed).toBe(1);
    expect(await hashes(cluster)).toEqual(new Set([expect.any(Number)]));
    expect(await get(late, 'key/7', true)).toBe('later');
  });

  test('needs no second one, however much is written while the first is on its way; the log is let go of then', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);
    let arrive: (() => void) | undefined;
    const { receive } = late.states;
    late.states.receive = async (chunks) => {
      const received = await receive.call(late.states, chunks);
      await new Promise<void>((resolve) => (arrive = resolve));
      return received;
    };

    cluster.network.heal();
    await cluster.until(() => arrive !== undefined);
    await putMany(cluster, cluster.leader, 300);
    arrive?.();
    await cluster.until(() => late.m.appliedIndex === cluster.leader.m.appliedIndex);

    expect(late.states.installed).toBe(1);
    await cluster.clock.advance(1_000);
    const { raft } = cluster.leader;
    expect(raft.lastIndex - raft.firstIndex).toBeLessThanOrEqual(50);
  });

  test('also through a restart right after it', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);
    cluster.network.heal();
    await cluster.until(() => late.states.installed === 1);
    await cluster.clock.advance(50);
    late.kill();

    await cluster.until(late.restart());
    await cluster.until(put(late, 'after', 'y'));

    expect((await hashes(cluster)).size).toBe(1);
    expect(late.states.installed).toBe(0);
  });

  test('has its watchers go on without a gap, a repetition or a step back', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    const watcher = late.m.watch({ target: prefix('key/') }, () => {});
    await putMany(cluster, cluster.leader, 20);
    await cluster.until(() => late.m.revision === cluster.leader.m.revision);
    const before = taken(watcher);
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);
    cluster.network.heal();
    await cluster.until(() => late.states.installed === 1);
    await putMany(cluster, cluster.leader, 20);
    await cluster.until(() => late.m.revision === cluster.leader.m.revision);

    const events = [...before, ...taken(watcher)];

    const expected = Array.from({ length: 140 }, (_, i) => i + 2);
    expect(events.map((event) => Number(event.split(':')[0]))).toEqual(expected);
  });

  test('tells a watcher whose next event was compacted meanwhile that it was', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    const watcher = late.m.watch({ target: prefix('key/') }, () => {});
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);
    await cluster.until(cluster.leader.m.compact(60, false));
    cluster.network.heal();
    await cluster.until(() => late.states.installed === 1);

    expect(taken(watcher)).toEqual(['compacted at 60']);
  });

  test('answers reads that came while the snapshot was put in force', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100, 'new');
    let reads: Promise<unknown>[] = [];
    const { install } = late.states;
    late.states.install = (received, current) => {
      const installed = install.call(late.states, received, current);
      reads = [get(late, 'key/1'), get(late, 'key/1', true), late.m.hashKv(0), Promise.resolve(late.m.status())];
      return installed;
    };

    cluster.network.heal();
    await cluster.until(() => late.states.installed === 1);

    const [linearizable, here] = await cluster.until(Promise.all(reads));
    expect([linearizable, here]).toEqual(['new', 'new']);
  });

  test('lets a watcher wait that wants to read on just then, and tells it when it can', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    await putMany(cluster, cluster.leader, 20);
    await cluster.until(() => late.m.revision === cluster.leader.m.revision);
    let isReady = false;
    const watcher = late.m.watch({ target: prefix('key/'), from: 2 }, () => (isReady = true));
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100);
    let takenMeanwhile: string[] | undefined;
    const { install } = late.states;
    late.states.install = async (received, current) => {
      await current.backend.close();
      takenMeanwhile = taken(watcher);
      return install.call(late.states, received, current);
    };

    cluster.network.heal();
    await cluster.until(() => isReady);

    expect(takenMeanwhile).toEqual([]);
    const revisions = taken(watcher).map((event) => Number(event.split(':')[0]));
    expect(revisions).toEqual(Array.from({ length: 120 }, (_, i) => i + 2));
  });

  test('cannot say what became of a write whose entry the snapshot swallowed', async () => {
    const cluster = await started();
    const [late, other] = cluster.followers as [TestNode, TestNode];
    // The leader takes the write and says so; the entry itself does not arrive.
    cluster.network.fate = (_from, to, message) =>
      to === late.id && (message.type === 'appendEntries' || message.type === 'heartbeat') ? 'lose' : 'deliver';
    const write = put(late, 'mine', 'x');
    await cluster.clock.advance(100);
    await putMany(cluster, other, 100);
    cluster.network.fate = () => 'deliver';

    await cluster.until(() => late.states.installed === 1);
    const fromMs = cluster.clock.now();

    const [result] = await cluster.until(Promise.allSettled([write]));

    expect(codesOf([result])).toEqual(['OUTCOME_UNKNOWN']);
    expect(cluster.clock.now() - fromMs).toBeLessThan(100);
    expect(late.member).toBeDefined();
    expect(await cluster.until(get(late, 'mine'))).toBe('x');
  });
});

describe('a snapshot', () => {
  test('whose way breaks in the middle is sent again, and nothing of the first try is left', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 100, 'x'.repeat(5_000));
    let breaks = 0;
    cluster.network.chunkFate = (_from, _to, chunk) => {
      if (chunk !== 2 || breaks === 3) return 'deliver';
      breaks += 1;
      return 'break';
    };

    cluster.network.heal();
    await cluster.until(() => late.states.installed === 1);

    expect(breaks).toBe(3);
    await cluster.until(() => late.m.appliedIndex === cluster.leader.m.appliedIndex);
    expect((await hashes(cluster)).size).toBe(1);
  });

  test('is sent by the next leader if the one that began it is lost', async () => {
    const cluster = await started();
    const [late] = cluster.followers as [TestNode];
    const first = cluster.leader;
    cluster.cutOff(late);
    await putMany(cluster, first, 100, 'x'.repeat(5_000));
    let isLost = false;
    cluster.network.chunkFate = (from, _to, chunk) => {
      if (from === first.id && chunk === 2) isLost = true;
      return from === first.id && isLost ? 'break' : 'deliver';
    };
    cluster.network.heal();
    await cluster.until(() => isLost);
    first.kill();

    await cluster.until(() => late.states.installed === 1);

    const leader = await cluster.untilLed();
    await cluster.until(() => late.m.appliedIndex === leader.m.appliedIndex);
  });

  test('is what a new member begins with, where the log does not go back to its beginning', async () => {
    const cluster = await started();
    await putMany(cluster, cluster.leader, 100);
    const { member, members } = await cluster.until(
      cluster.leader.m.memberAdd({ peerUrls: ['http://10.0.0.9:2380'], isLearner: true }),
    );
    const added = cluster.prepare(member.id, members);

    await cluster.until(added.start());
    await cluster.until(() => !added.m.isLearner);

    expect(added.states.installed).toBe(1);
    expect((await hashes(cluster)).size).toBe(1);
  });

  test('no more than the limit are sent at one time', async () => {
    const cluster = await started({ size: 5, settings: { logKeptEntries: 10, snapshotsSentMax: 1 } });
    const late = cluster.followers.slice(0, 2);
    for (const node of late) cluster.cutOff(node);
    await putMany(cluster, cluster.leader, 100, 'x'.repeat(5_000));
    const begun = new Set<bigint>();
    cluster.network.chunkFate = (_from, to) => {
      begun.add(to);
      return 'deliver';
    };
    const arrivals: (() => void)[] = [];
    for (const { states } of late) {
      const { receive } = states;
      states.receive = async (chunks) => {
        const received = await receive.call(states, chunks);
        await new Promise<void>((resolve) => arrivals.push(resolve));
        return received;
      };
    }

    cluster.network.heal();
    await cluster.until(() => arrivals.length > 0);
    await cluster.clock.advance(1_000);
    expect(begun.size).toBe(1);
    arrivals.shift()?.();
    await cluster.until(() => arrivals.length > 0);
    arrivals.shift()?.();
    await cluster.until(() => late.every(({ states }) => states.installed === 1));
  });

  test('of a member holds all that it has applied, for whoever wants a copy of it', async () => {
    const cluster = await started();
    await putMany(cluster, cluster.leader, 20);
    const snapshot = cluster.leader.m.snapshot();

    let bytes = 0;
    for await (const chunk of snapshot.chunks()) bytes += chunk.length;
    snapshot.close();

    expect(snapshot.revision).toBe(cluster.leader.m.revision);
    expect(bytes).toBeGreaterThan(1_000);
  });
});

describe('the log', () => {
  test('keeps a tail for followers that lag a little, and no more', async () => {
    const cluster = await started({ settings: { logKeptEntries: 50 } });
    const [late] = cluster.followers as [TestNode];
    cluster.cutOff(late);
    await putMany(cluster, cluster.leader, 40);
    cluster.network.heal();
    await cluster.until(() => late.m.appliedIndex === cluster.leader.m.appliedIndex);
    expect(late.states.installed).toBe(0);

    await putMany(cluster, cluster.leader, 400);
    await cluster.clock.advance(100);
    const { raft } = cluster.leader;
    expect(raft.lastIndex - raft.firstIndex).toBeGreaterThanOrEqual(50);
    expect(raft.lastIndex - raft.firstIndex).toBeLessThanOrEqual(125);
  });
});

describe('a hash of what is stored', () => {
  test('is the same at every member, whatever each has freed, and differs with what is stored', async () => {
    const cluster = await started({ settings: { scrubRecordsPerStep: 1 } });
    await putMany(cluster, cluster.leader, 100);
    await cluster.until(cluster.leader.m.delete({ type: 'delete', key: toBytes('key/3') }));
    const whole = await hashes(cluster);
    await cluster.until(cluster.leader.m.compact(90, false));
    await cluster.clock.advance(20);

    const compacted = await hashes(cluster);

    expect(whole.size).toBe(1);
    expect(compacted.size).toBe(1);
    expect(compacted).not.toEqual(whole);
    const { m } = cluster.leader;
    expect(await m.hashKv(0)).toMatchObject({ compactRevision: 90, hashRevision: 102 });
    expect((await m.hashKv(95)).hash).not.toBe((await m.hashKv(96)).hash);
    await expect(m.hashKv(89)).rejects.toMatchObject({ code: 'COMPACTED' });
    await expect(m.hashKv(103)).rejects.toMatchObject({ code: 'FUTURE_REVISION' });
  });
});
