/**
 * The managers of a storage cluster. One of them is elected master; it watches metadata and object nodes come and go, and
 * when the active metadata node dies, promotes a standby within seconds. Here all of them live in one process, each with a
 * session of its own; a node "dies" when its registration ends without a word to anybody.
 *
 *     npm run example storage-cluster
 */
import { connect, Election, type Leadership, ServiceRegistry, type ServiceView } from 'conclave';
import { modRevision, put, type Store, toText } from 'conclave/core';

const ACTIVE_KEY = 'storage/metadata/active';
const ttl = '2s';

interface Node {
  readonly disks: number;
}

class Manager {
  readonly #election: Election<string>;
  readonly #nodes: ServiceRegistry<Node>;

  constructor(
    private readonly store: Store,
    private readonly name: string,
  ) {
    this.#election = new Election(store, { name: 'storage-master', ttl });
    this.#nodes = new ServiceRegistry<Node>(store, { ttl });
  }

  /** A candidate until it is elected, master from then on, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#election
      .lead((leadership) => this.#manage(leadership), { value: this.name, requeue: true, signal })
      .catch(ignoreAbort);
    await Promise.all([this.#election.dispose(), this.#nodes.dispose()]);
  }

  async #manage(leadership: Leadership<string>): Promise<void> {
    console.log(`${this.name} is the master`);
    const until = leadership.signal;
    const metadata = this.#nodes.service('metadata');
    const objects = this.#nodes.service('objects');
    await Promise.all([metadata.ready(), objects.ready()]);
    await Promise.all([this.#keepOneActive(metadata, leadership, until), this.#countObjectNodes(objects, until)]);
  }

  /** Promotes a standby whenever the active metadata node is not there. */
  async #keepOneActive(nodes: ServiceView<Node>, leadership: Leadership<string>, until: AbortSignal): Promise<void> {
    const look = async () => {
      const active = await this.store.get(ACTIVE_KEY);
      const activeId = active && toText(active.value);
      if (nodes.all().some(({ id }) => id === activeId)) return;
      const standby = nodes.all()[0];
      if (!standby) return;
      // Guarded by the term: a master that was replaced in the meantime promotes nobody.
      await leadership
        .guard(this.store.txn())
        .when(modRevision(ACTIVE_KEY).equals(active?.modRevision ?? 0))
        .do(put(ACTIVE_KEY, standby.id))
        .commit();
      console.log(
        `${this.name}: metadata node ${standby.id} is active now${activeId ? `, for ${activeId} is gone` : ''}`,
      );
    };
    await look();
    for await (const _ of nodes.changes({ signal: until })) await look();
  }

  async #countObjectNodes(nodes: ServiceView<Node>, until: AbortSignal): Promise<void> {
    for await (const _ of nodes.changes({ signal: until })) {
      console.log(
        `${this.name}: ${nodes.all().length} object nodes, ${nodes.all().reduce((sum, { metadata }) => sum + metadata.disks, 0)} disks`,
      );
    }
  }
}

const store = await connect(process.argv[2] ?? 'embedded:memory');
const stop = new AbortController();
const managers = ['manager-1', 'manager-2'].map((name) => new Manager(store, name).run(stop.signal));

const [meta1] = [await join('metadata', 'meta-1', 4), await join('metadata', 'meta-2', 4)];
await activeIs('meta-1');
await join('objects', 'object-1', 12);
await join('objects', 'object-2', 12);

const diedAt = performance.now();
await meta1.dispose();
await activeIs('meta-2');
console.log(`the standby took over after ${((performance.now() - diedAt) / 1_000).toFixed(1)} s`);

stop.abort();
await Promise.all(managers);
await store.close();

/** A node registers, with a registry of its own, as its process would. */
async function join(service: 'metadata' | 'objects', id: string, disks: number): Promise<ServiceRegistry<Node>> {
  const registry = new ServiceRegistry<Node>(store, { ttl });
  await registry.register({ service, id, address: `${id}.storage.local:7000`, metadata: { disks } });
  return registry;
}

async function activeIs(id: string): Promise<void> {
  const current = await store.get(ACTIVE_KEY);
  if (current && toText(current.value) === id) return;
  const { revision } = await store.range(ACTIVE_KEY);
  for await (const { events } of store.watch(ACTIVE_KEY, { from: current ? current.modRevision + 1 : revision + 1 })) {
    if (events.some(({ kv }) => toText(kv.value) === id)) return;
  }
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
