import { connect } from '../../core/connect.js';
import { open } from '../../core/embedded/open.js';
import { connectGrpc } from '../../core/client/grpc-store.js';
import type { Store } from '../../core/store.js';
import { findEtcd, startEtcd } from '../../core/testing/etcd-process.js';

/** A kind of store for a recipe's contract to run on. */
export interface RecipeStore {
  readonly name: string;
  /** Opens a store of this kind, with nothing in it. */
  open(): Promise<Store>;
  /** Closes all that `open` opened, and whatever ran behind it. */
  close(): Promise<void>;
}

/**
 * The stores on which a recipe's contract runs: an embedded one in memory, a namespace of such a one, and a real etcd where there is one on the PATH
 * (else it says that it is left out).
 */
export function recipeStores(): RecipeStore[] {
  const stores = [
    closing('an embedded store in memory', () => open({ memory: true })),
    closing('a namespace of one', () => connect('embedded:memory', { namespace: 'team-a/' })),
  ];
  if (findEtcd() !== undefined) stores.push(realEtcd());
  else process.stderr.write('no etcd binary on the PATH: recipes are not tested against a real etcd\n');
  return stores;
}

function realEtcd(): RecipeStore {
  const etcds: Awaited<ReturnType<typeof startEtcd>>[] = [];
  const store = closing('a real etcd', async () => {
    const etcd = await startEtcd();
    etcds.push(etcd);
    return connectGrpc([{ host: etcd.host, port: etcd.port }]);
  });
  return {
    ...store,
    async close() {
      await store.close();
      await Promise.all(etcds.splice(0).map((etcd) => etcd.stop()));
    },
  };
}

function closing(name: string, openOne: () => Promise<Store>): RecipeStore {
  const opened: Store[] = [];
  return {
    name,
    async open() {
      const store = await openOne();
      opened.push(store);
      return store;
    },
    async close() {
      await Promise.all(opened.splice(0).map((store) => store.close()));
    },
  };
}
