import { connect } from '../../core/connect.js';
import { everything } from '../../core/base/key-range.js';
import type { Store } from '../../core/store.js';
import { type Killer, killEveryTwoSeconds } from '../../core/testing/cluster/killer.js';
import { ProcessCluster } from '../../core/testing/cluster/process-cluster.js';
import type { RecipeStore } from './stores.js';

/** So that a leader is missed, and another found, well within the shortest TTL. */
const FLAGS = ['--heartbeat-interval', '50', '--election-timeout', '300'];

/** Three members, each a process of its own, on which one recipe's contract runs after the other. */
export class ClusterOfThree {
  #cluster: ProcessCluster | undefined;
  #killer: Killer | undefined;

  /** While all is well. */
  get calm(): RecipeStore {
    return this.#store('a cluster of three', async () => {});
  }

  /** While each member in its turn is killed and started again, one every two seconds. */
  get disturbed(): RecipeStore {
    return this.#store('a cluster of three of which one is killed every two seconds', async (cluster) => {
      this.#killer ??= killEveryTwoSeconds(cluster);
    });
  }

  /** Ends it, also where it was never started. */
  async stop(): Promise<void> {
    try {
      await this.#killer?.stop();
    } catch (error) {
      throw this.#cluster?.explain(error) ?? error;
    } finally {
      await this.#cluster?.stop();
    }
  }

  #store(name: string, disturb: (cluster: ProcessCluster) => Promise<void>): RecipeStore {
    const opened: Store[] = [];
    return {
      name,
      open: async () => {
        this.#cluster ??= await ProcessCluster.start({ flags: FLAGS });
        const store = await connect(this.#cluster.url);
        opened.push(store);
        await empty(store);
        await disturb(this.#cluster);
        return store;
      },
      async close() {
        await Promise.all(opened.splice(0).map((store) => store.close()));
      },
    };
  }
}

/** Removes all that the contract before left. A store to which things happen is asked again. */
async function empty(store: Store): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const lease of await store.leases())
        await store
          .lease(lease)
          .revoke()
          .catch(() => undefined);
      await store.delete(everything());
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
