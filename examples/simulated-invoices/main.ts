/**
 * A service on a simulated cluster. Two processes file invoices while one or the other is stopped for a while, and members
 * lose their power. With some seed two invoices get one number; and whoever runs that seed sees it happen again.
 *
 *     npm run example simulated-invoices
 */
import type { Store } from 'conclave';
import { hasCode, toText } from 'conclave/core';
import { simulate, simulateSeeds, SimulationError, type World } from 'conclave/testing';
import { GuardedInvoices, Invoices } from './invoices.js';

const SEEDS = 25;

/** What happens in a world: two clerks at work, and trouble. */
async function month(world: World, service: new (store: Store) => Invoices): Promise<void> {
  await world.startCluster(3);
  const filed = new Map<number, string>();
  const clerks = ['ada', 'bob'].map((name) => {
    const client = world.addClient(name);
    return { name, client, store: client.store() };
  });
  const work = clerks.map(async ({ name, store }) => {
    const invoices = new service(store);
    for (let count = 1; count <= 6; count += 1) {
      const invoice = `${name}-${count}`;
      const number = await invoices.file(invoice).catch(ifPassing);
      if (number === undefined) continue;
      const other = filed.get(number);
      if (other !== undefined) throw new Error(`${other} and ${invoice} both have the number ${number}`);
      filed.set(number, invoice);
    }
  });
  await Promise.all([...work, trouble(world)]);
  const { store } = clerks[0] as { store: Store };
  for (const [number, invoice] of filed) {
    const found = await store.get(`invoices/${number}`);
    if (toText(found?.value ?? new Uint8Array()) !== invoice) throw new Error(`${invoice} is not at number ${number}`);
  }
}

/** All of it drawn from the seed: another seed, another month. */
async function trouble(world: World): Promise<void> {
  const { scheduler, clients, members } = world;
  const chance = world.chance('trouble');
  const anyOf = <T>(some: readonly T[]) => some[Math.floor(chance.next() * some.length)] as T;
  for (let time = 0; time < 4; time += 1) {
    await scheduler.sleep(3_000 * chance.next());
    const client = anyOf(clients);
    client.pause();
    const member = anyOf(members);
    member.crash('none');
    await scheduler.sleep(1_000 + 15_000 * chance.next());
    client.resume();
    await member.start();
  }
}

/** A call that is given up, as services do after such errors; the invoice is not filed, or somebody must look. */
function ifPassing(error: unknown): undefined {
  const codes = ['HOLD_LOST', 'SESSION_LOST', 'OUTCOME_UNKNOWN', 'UNAVAILABLE', 'NO_LEADER'];
  if (!codes.some((code) => hasCode(error, code))) throw error;
}

try {
  await simulateSeeds({ count: SEEDS }, (world) => month(world, Invoices));
  console.log('nothing was found');
} catch (error) {
  if (!(error instanceof SimulationError)) throw error;
  console.log(`found with seed ${error.seed}: ${(error.cause as Error).message}`);
  console.log(
    error.lastEvents
      .filter((event) => !event.includes('connected'))
      .slice(-12)
      .join('\n'),
  );
  const again = await simulate(error.seed, (world) => month(world, Invoices)).catch((thrown: Error) => thrown.message);
  console.log(again === error.message ? 'the same seed shows the same again' : 'the same seed shows something else');
}
await simulateSeeds({ count: SEEDS }, (world) => month(world, GuardedInvoices));
console.log(`with guarded writes: nothing in ${SEEDS} seeds`);
