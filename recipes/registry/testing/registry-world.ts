import { toText } from '../../../core/base/bytes.js';
import { seededPrng } from '../../../core/base/prng.js';
import { open } from '../../../core/embedded/open.js';
import type { Store } from '../../../core/store.js';
import { ManualClock, settle } from '../../../core/testing/manual-clock.js';
import { WaywardStore } from '../../mirror/testing/wayward-store.js';
import type { Instance } from '../instance.js';
import type { RegisterOptions, Registration } from '../registration.js';
import { ServiceRegistry, type ServiceRegistryOptions } from '../service-registry.js';
import type { ServiceView } from '../service-view.js';
import { roundRobin } from '../strategies.js';

export interface Meta {
  readonly build?: number;
}

export const TTL_MS = 10_000;

/** The instance that most tests are about, and where it is stored. */
export const a: Instance<Meta> = {
  service: 'orders',
  id: 'a',
  address: '10.0.0.1',
  port: 80,
  metadata: { build: 1 },
};
export const KEY = 'conclave/svc/orders/a';

/** Registries on an embedded store, and whatever may stand between them. */
export class RegistryWorld {
  readonly #registries: ServiceRegistry<Meta>[] = [];

  private constructor(
    readonly clock: ManualClock,
    readonly real: Store,
    readonly wayward: WaywardStore,
  ) {}

  static async open(): Promise<RegistryWorld> {
    const clock = new ManualClock();
    const real = await open({ memory: true }, { clock });
    return new RegistryWorld(clock, real, new WaywardStore(real));
  }

  /** A registry in a process of its own, whose network is in the test's hand; with `real`, one whose network is sound. */
  registry(store: Store = this.wayward, options: ServiceRegistryOptions = {}): ServiceRegistry<Meta> {
    const parts = { ttl: TTL_MS, prng: seededPrng(5), strategy: roundRobin(), ...options };
    const registry = new ServiceRegistry<Meta>(store, parts);
    this.#registries.push(registry);
    return registry;
  }

  /** A view in a process of its own that has been read. */
  async view(options: ServiceRegistryOptions = {}): Promise<ServiceView<Meta>> {
    const view = this.registry(this.wayward, options).service('orders');
    await view.ready();
    await settle();
    return view;
  }

  register(registry: ServiceRegistry<Meta>, instance = a, options: RegisterOptions = {}): Promise<Registration<Meta>> {
    return this.turning(registry.register(instance, options));
  }

  async stored(key = KEY): Promise<Record<string, unknown> | undefined> {
    const kv = await this.real.get(key);
    return kv && (JSON.parse(toText(kv.value)) as Record<string, unknown>);
  }

  /** The store stays away for longer than sessions live, so that their leases end there. */
  async loseSession(): Promise<void> {
    this.wayward.goAway();
    await this.clock.advance(3 * TTL_MS);
  }

  /** Turns the clock until the promise has settled, for at most ten minutes. */
  async turning<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    for (let turn = 0; turn < 600 && !isSettled; turn += 1) await this.clock.advance(1_000);
    return settled;
  }

  async close(): Promise<void> {
    this.wayward.comeBack();
    await this.turning(Promise.all(this.#registries.map((registry) => registry.dispose())));
    await this.real.close();
  }
}
