import { afterEach, describe, expect, test } from '@jest/globals';
import { encodeCommand } from '../../../machine/codec.js';
import { put } from '../../../txn.js';
import { type Invariants, watchInvariants } from '../invariants/watch-invariants.js';
import { World } from '../world.js';
import { Workload } from './workload.js';

const SETTINGS = { electionTimeoutMs: 500, heartbeatMs: 100, logKeptEntries: 30 };

let world: World | undefined;

afterEach(() => world?.close());

interface Begun {
  readonly world: World;
  readonly workload: Workload;
  readonly invariants: Invariants;
}

/** Three members and three clients at work; what happens to them, and then the end. */
async function live(seed: number, happens: (begun: Begun) => Promise<void>): Promise<Begun> {
  const of = new World(seed);
  world = of;
  return of.run(async () => {
    const invariants = watchInvariants(of);
    await of.startCluster(3, SETTINGS);
    for (const name of ['c1', 'c2', 'c3']) of.addClient(name);
    const workload = await Workload.start(of, { invariants });
    const begun = { world: of, workload, invariants };
    await happens(begun);
    await workload.stop();
    await workload.check();
    await invariants.atRest();
    return begun;
  });
}

describe('a workload', () => {
  test('goes on through a power cut, a cut link, a pause and a killed client, and ends with every promise kept', async () => {
    const { workload, invariants } = await live(4, async ({ world: { scheduler, members, network, clients } }) => {
      const [m1, m2, m3] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]];
      await scheduler.sleep(1_500);
      m1.crash('none');
      await scheduler.sleep(1_000);
      void m1.start();
      await scheduler.sleep(1_500);
      network.isolate(m2.name);
      await scheduler.sleep(1_500);
      network.heal();
      m3.pause();
      clients[0]?.kill();
      await scheduler.sleep(1_500);
      clients[0]?.restart();
      m3.resume();
      await scheduler.sleep(4_000);
    });

    expect(workload.operations).toBeGreaterThan(20);
    expect(workload.counts.size).toBeGreaterThan(3);
    expect(invariants.commitIndex).toBeGreaterThan(20);
  });

  test('repeats itself from its seed', async () => {
    const lived = async () => {
      const begun = await live(7, ({ world: { scheduler } }) => scheduler.sleep(2_000));
      return [begun.world.trace.hash, [...begun.workload.counts]];
    };

    expect(await lived()).toEqual(await lived());
  });

  test('ends with a violation when a member has applied what nobody committed', async () => {
    const living = live(1, async ({ world: { scheduler, members } }) => {
      await scheduler.sleep(500);
      const { machine } = members[2] as (typeof members)[0];
      const { appliedIndex, appliedTerm } = machine!;
      machine!.applyAll([{ index: appliedIndex + 1, term: appliedTerm, data: encodeCommand(put('w/kv/0', 'forged')) }]);
      await scheduler.sleep(5_000);
    });

    await expect(living).rejects.toThrow(/not committed yet|different states/);
  });
});
