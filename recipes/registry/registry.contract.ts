import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { UnavailableError } from '../../core/base/errors.js';
import type { Store } from '../../core/store.js';
import { WaywardStore } from '../mirror/testing/wayward-store.js';
import type { RecipeStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { InstanceReplacedError } from './errors.js';
import { ServiceRegistry } from './service-registry.js';

interface Meta {
  readonly build: number;
}

/** What a registry keeps on every store, in real time: that of an etcd's leases, whose shortest TTL is two seconds. */
export function registryContract(on: RecipeStore): void {
  describe(`a service registry on ${on.name}`, () => {
    let store: Store;
    let namesMade = 0;

    beforeAll(async () => {
      store = await on.open();
    });
    afterAll(() => on.close());

    const freshName = () => `contract-${(namesMade += 1)}`;
    /** A registry in a process of its own. */
    const registryOf = (way: Store = store) => new ServiceRegistry<Meta>(way, { ttl: '2s' });
    const idsOf = (registry: ServiceRegistry<Meta>, service: string) =>
      registry
        .service(service)
        .all()
        .map(({ id }) => id)
        .join('');

    test('shows others what is registered, lets them pick, and forgets what is unregistered', async () => {
      await using servers = registryOf();
      await using clients = registryOf();
      const service = freshName();
      const view = clients.service(service);
      const registration = await servers.register({ service, id: 'a', address: 'h', port: 7, metadata: { build: 1 } });
      await view.ready({ instances: 1, timeout: '10s' });

      using picked = view.pick();
      expect(picked.instance).toMatchObject({ id: 'a', address: 'h', port: 7, metadata: { build: 1 } });
      await registration.update({ metadata: { build: 2 } });
      await until(() => view.get('a')?.metadata.build === 2);
      await registration.unregister();
      await until(() => view.all().length === 0);
    });

    test('forgets an instance whose process fell silent, once its lease has ended', async () => {
      const process = new WaywardStore(store);
      const servers = registryOf(process);
      await using clients = registryOf();
      const service = freshName();
      await servers.register({ service, id: 'a', address: 'h' });
      await clients.service(service).ready({ instances: 1, timeout: '10s' });

      process.goAway();

      await until(() => clients.service(service).all().length === 0);
      await servers.dispose();
    });

    test('registers anew after a lost session, with the latest data, still drained', async () => {
      const process = new WaywardStore(store);
      await using servers = registryOf(process);
      await using clients = registryOf();
      const service = freshName();
      const registration = await servers.register({ service, id: 'a', address: 'h', metadata: { build: 1 } });
      await clients.drain(service, 'a', { reason: 'moving' });
      await clients.service(service).ready();
      process.goAway();
      await until(() => clients.service(service).all().length === 0);
      registration.update({ metadata: { build: 2 } }).catch(() => undefined);

      process.comeBack();

      await until(() => registration.state === 'registered');
      await until(() => clients.service(service).all().length === 1);
      expect(clients.service(service).get('a')).toMatchObject({ metadata: { build: 2 }, drained: true });
    });

    test('gives an id to the latest that asks for it', async () => {
      await using before = registryOf();
      await using after = registryOf();
      const service = freshName();
      const replaced = await before.register({ service, id: 'a', address: 'h1' });

      await after.register({ service, id: 'a', address: 'h2' });

      await until(() => replaced.state === 'ended');
      expect(replaced.signal.reason).toBeInstanceOf(InstanceReplacedError);
    });

    test('has what the store has after a compaction while its watch was broken', async () => {
      const process = new WaywardStore(store);
      await using servers = registryOf();
      await using clients = registryOf(process);
      const service = freshName();
      const gone = await servers.register({ service, id: 'a', address: 'h' });
      await clients.service(service).ready({ instances: 1, timeout: '10s' });

      process.goAway();
      await gone.unregister();
      await servers.register({ service, id: 'b', address: 'h' });
      await store.compact((await store.range('x')).revision);
      process.comeBack();
      process.breakWatches(new UnavailableError('broken'));

      await until(() => idsOf(clients, service) === 'b');
    });
  });
}
