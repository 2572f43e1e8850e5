/**
 * One eventful world from one number, alone in a process, so that two of them can be compared: prints what became of it as
 * one line of JSON. `one-world.js <seed> [bypass|reject]`: with a second word, something in it asks Node for chance, or
 * rejects a promise that nobody looks at.
 */
import { guardAgainstTheOutside } from './guard.js';
import { randomUUID } from 'node:crypto';
import { Mutex } from '../../../../recipes/index.js';
import type { Store } from '../../../store.js';
import { type VirtualMember, World } from '../world.js';

const ROUNDS = 4;
const FAULT_MS = 700;

const seed = Number(process.argv[2]);
const world = new World(seed);
const dice = world.chance('plan');
let isOver = false;
let answered = 0;

async function use(store: Store, key: string): Promise<void> {
  for (let count = 0; !isOver; count += 1) {
    try {
      await store.put(key, `${count}`);
      answered += (await store.get(key)) === undefined ? 0 : 1;
    } catch {
      // Under faults, calls may fail; that they fail alike in both worlds is what is looked at.
    }
    await world.scheduler.sleep(20);
  }
}

async function lock(store: Store): Promise<void> {
  const mutex = new Mutex(store, { name: 'one', ttl: '3s' });
  while (!isOver) {
    const held = await mutex.acquire().catch(() => undefined);
    await world.scheduler.sleep(30);
    await held?.release().catch(() => undefined);
  }
}

function pick<T>(all: readonly T[]): T {
  return all[Math.floor(dice.next() * all.length)] as T;
}

const faults: readonly ((member: VirtualMember, other: VirtualMember) => Promise<void>)[] = [
  async (member) => {
    member.crash(world.chance('what survives'));
    await world.scheduler.sleep(FAULT_MS);
    await member.start();
  },
  async (member) => {
    member.kill();
    await member.start();
  },
  async (member) => {
    member.pause();
    await world.scheduler.sleep(2 * FAULT_MS);
    member.resume();
  },
  async (member) => world.network.isolate(member.name),
  async ({ name }, other) => void (world.network.link(name, other.name).mode = 'halfOpen'),
  async ({ name }, other) => {
    Object.assign(world.network.link(name, other.name), { isFifo: false, loss: 0.2, duplicate: 0.3, meanDelayMs: 20 });
  },
  async ({ name }) => void (world.network.link(name, pick(world.clients).name).loseReplies = true),
  async ({ name }, other) => world.network.link(name, other.name).clog(world.scheduler.now() + FAULT_MS),
  async (member) => void (member.clockRate = 0.9 + 0.2 * dice.next()),
];

async function life(): Promise<void> {
  await world.startCluster(3, { logKeptEntries: 20, logKeptBytes: 2_000 });
  const stores = ['a', 'b', 'c', 'd'].map((name) => world.addClient(name).store());
  const work = [...stores.map((store, i) => use(store, `key ${i}`)), ...stores.slice(2).map((store) => lock(store))];
  for (let round = 0; round < ROUNDS; round += 1) {
    const member = pick(world.members);
    await pick(faults)(member, pick(world.members.filter((other) => other !== member)));
    await world.scheduler.sleep(FAULT_MS);
    if (process.argv[3] === 'bypass') world.trace.note(randomUUID());
    if (process.argv[3] === 'reject') void Promise.reject(new Error('nobody looks'));
    world.network.heal();
  }
  isOver = true;
  await Promise.all(work);
}

const unguard = guardAgainstTheOutside((what) => world.violation(`${what} was used`));
let violation: string | undefined;
try {
  await world.run(life);
} catch (error) {
  violation = (error as Error).message;
}
unguard();
const { trace, scheduler, effects, reached } = world;
const outcome = { hash: trace.hash, events: scheduler.events, simulatedMs: scheduler.now(), answered, violation };
process.stdout.write(`${JSON.stringify({ ...outcome, effects: [...effects.counts], reached: [...reached.paths] })}\n`);
await world.close();
