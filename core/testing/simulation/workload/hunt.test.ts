import { test } from '@jest/globals';
import { watchInvariants } from '../invariants/watch-invariants.js';
import { World } from '../world.js';
import { Workload } from './workload.js';

const FROM = Number(process.env['FROM'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 1);

async function hunt(seed: number): Promise<string> {
  const world = new World(seed);
  const started = performance.now();
  let workload!: Workload;
  const dice = world.chance('hunt');
  try {
    await world.run(async () => {
      const invariants = watchInvariants(world);
      await world.startCluster(3, { electionTimeoutMs: 500, heartbeatMs: 100, logKeptEntries: 50 } as object);
      for (let i = 1; i <= 4; i += 1) world.addClient(`c${i}`);
      workload = await Workload.start(world, { invariants });
      for (let i = 0; i < 6; i += 1) {
        await world.scheduler.sleep(3_000);
        const member = world.members[Math.floor(dice.next() * 3)]!;
        const kind = Math.floor(dice.next() * 4);
        if (process.env['CALM']) continue;
        if (kind === 0) {
          member.crash('none');
          await world.scheduler.sleep(1_000);
          void member.start().catch(() => undefined);
        } else if (kind === 1) {
          world.network.isolate(member.name);
          await world.scheduler.sleep(2_000);
          world.network.heal();
        } else if (kind === 2) {
          member.pause();
          await world.scheduler.sleep(2_000);
          member.resume();
        } else {
          const client = world.clients[Math.floor(dice.next() * 4)]!;
          client.kill();
          await world.scheduler.sleep(500);
          client.restart();
        }
      }
      await world.scheduler.sleep(6_000);
      await workload.stop();
      await workload.check();
      await invariants.atRest();
      await world.scheduler.sleep(10);
    });
    return `ok ${seed} ${Math.round(performance.now() - started)} ms, ${world.scheduler.events} events, ${world.scheduler.now()} sim ms, ops ${workload.operations} ${world.trace.hash} ${JSON.stringify([...workload.counts])}`;
  } catch (error) {
    return `FAILED ${seed}: ${(error as Error).stack}\n${world.trace.last().slice(-40).join('\n')}`;
  } finally {
    await world.close();
  }
}

test('hunt', async () => {
  for (let seed = FROM; seed < FROM + SEEDS; seed += 1) process.stdout.write(`${await hunt(seed)}\n`);
}, 600_000);
