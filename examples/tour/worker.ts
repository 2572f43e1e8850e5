/**
 * A worker of the tour: an ordinary service. It imports its recipes as classes, has them injected by tsyringe, and does
 * what the director asks for. All that is special about it is that it tells the director what happens to it.
 */
import {
  connect,
  type ConfigChange,
  container,
  type Delivery,
  type Held,
  injectable,
  type Leadership,
  onConfig,
  start,
} from 'conclave';
import { prefix, put, toText } from 'conclave/core';
import type { Message } from './actors.js';
import {
  IndexBuilders,
  OrderLock,
  PaymentsConfig,
  type paymentsSchema,
  Services,
  type Shard,
  Shards,
} from './recipes.js';
import { CHARGED, chargedKey, CHECKPOINT_KEY, paymentKey, segmentKey } from './keys.js';

const [name, url] = process.argv.slice(2) as [string, string];
const store = await connect(url);

@injectable()
class Worker {
  #held: Held | undefined;

  constructor(
    private readonly orders: OrderLock,
    private readonly builders: IndexBuilders,
    private readonly shards: Shards,
    private readonly services: Services,
    private readonly config: PaymentsConfig,
  ) {}

  /** Each command of the director, by its kind. */
  readonly commands: Record<string, (message: Message) => Promise<void>> = {
    charge: ({ orders }) => this.charge(orders as string[]),
    hold: ({ lock }) => this.hold(lock as string),
    write: ({ key }) => this.write(key as string),
    lead: ({ segments }) => this.lead(segments as number),
    register: () => this.register(),
    consume: () => this.consume(),
  };

  /** Takes the lock, charges the next order that nobody has charged, and queues again, until none is left. */
  async charge(orders: readonly string[]): Promise<void> {
    let charged = 0;
    let isOneLeft = true;
    while (isOneLeft) {
      await this.orders.of('charging').run(async (held) => {
        const { kvs } = await store.range(prefix(CHARGED), { keysOnly: true });
        const next = orders.find((order) => !kvs.some((kv) => toText(kv.key) === chargedKey(order)));
        isOneLeft = next !== undefined;
        if (next === undefined) return;
        await new Promise((resolve) => setTimeout(resolve, 2)); // The payment provider takes its time.
        await held
          .guard(store.txn())
          .do(put(chargedKey(next), name), put(paymentKey(next, name), `${held.fencingToken}`))
          .commit();
        charged += 1;
      });
    }
    tell({ kind: 'charged', count: charged });
  }

  async hold(lock: string): Promise<void> {
    this.#held = await this.orders.of(lock).acquire();
    tell({ kind: 'holding', fencingToken: this.#held.fencingToken });
  }

  /** Writes under the lock it holds, or believes that it holds: the store decides. */
  async write(key: string): Promise<void> {
    const held = this.#held as Held;
    try {
      await held.guard(store.txn()).do(put(key, name)).commit();
      tell({ kind: 'written', fencingToken: held.fencingToken });
    } catch (error) {
      tell({
        kind: 'rejected',
        fencingToken: held.fencingToken,
        code: (error as { code?: string }).code,
        knew: held.signal.aborted,
      });
    }
  }

  /** Builds the index segment by segment, from the checkpoint on, for as long as it leads. */
  async lead(segments: number): Promise<void> {
    await this.builders.lead(
      async (leadership: Leadership<{ worker: string }>) => {
        const checkpoint = await store.get(CHECKPOINT_KEY);
        const first = checkpoint ? Number(Buffer.from(checkpoint.value).toString()) + 1 : 0;
        tell({ kind: 'leading', term: leadership.term, first });
        for (let segment = first; segment < segments && !leadership.signal.aborted; segment += 1) {
          await new Promise((resolve) => setTimeout(resolve, 40)); // Building takes its time.
          await leadership
            .guard(store.txn())
            .do(put(segmentKey(segment, leadership.term), name), put(CHECKPOINT_KEY, `${segment}`))
            .commit();
          tell({ kind: 'segment', segment, term: leadership.term });
        }
        tell({ kind: 'indexed', term: leadership.term });
      },
      { value: { worker: name } },
    );
  }

  async register(): Promise<void> {
    await this.services.register({
      service: 'workers',
      id: name,
      address: `127.0.0.1:${process.pid}`,
      metadata: { pid: process.pid },
    });
    tell({ kind: 'registered' });
  }

  async consume(): Promise<void> {
    await this.shards.run(
      async (shard: Delivery<Shard>) => {
        tell({ kind: 'built', shard: shard.item.number });
      },
      { concurrency: 2 },
    );
  }

  @onConfig(PaymentsConfig, 'limits.*')
  limitsChanged(change: ConfigChange<typeof paymentsSchema>): void {
    tell({ kind: 'config', max: change.current.limits.max, pid: process.pid });
  }

  reportRejections(): void {
    this.config.on('rejected', () => tell({ kind: 'config-rejected', max: this.config.current.limits.max }));
  }
}

const app = await start(container, { store, services: [Worker] });
const worker = container.resolve(Worker);
worker.reportRejections();
process.on('message', (message: Message) => {
  worker.commands[message.kind]?.(message).catch((error: unknown) => tell({ kind: 'failed', error: String(error) }));
});
process.once('SIGTERM', () => void leave());
// Never outlive the director.
process.once('disconnect', () => void leave());
tell({ kind: 'ready' });

function tell(message: Message): void {
  if (process.connected) process.send?.(message);
}

async function leave(): Promise<void> {
  await app[Symbol.asyncDispose]();
  await store.close();
  process.exit(0);
}
