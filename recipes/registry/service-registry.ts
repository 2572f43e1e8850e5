import type { Duration } from '../../core/base/duration.js';
import { ClosedError, InvalidArgumentError } from '../../core/base/errors.js';
import type { Prng } from '../../core/base/prng.js';
import type { CallOptions, Store } from '../../core/store.js';
import { checkName, folderPrefix } from '../keys.js';
import { by, type Metadata } from '../metadata.js';
import { mergedSettings } from '../settings.js';
import { onAbort } from '../wait.js';
import { checkNotNegative, encodeOverride, type Instance, instanceKey, type Override } from './instance.js';
import { type EjectOptions, ejectSettings } from './outliers.js';
import { LiveRegistration, type RegistrationSettings } from './live-registration.js';
import type { RegisterOptions, Registration } from './registration.js';
import { ServiceView, type ViewSettings } from './service-view.js';
import { leastLoaded, type Strategy } from './strategies.js';

export interface ServiceRegistryOptions {
  /** The first part of its keys. Default `'conclave'`. */
  readonly namespace?: string;
  /** How soon an instance that died without a word is forgotten. Default `'15s'`. */
  readonly ttl?: Duration;
  /** How its views pick. Default: `leastLoaded()`. */
  readonly strategy?: Strategy;
  /** When instances that fail are left out for a while; false: never. Default: after 2 failures within 30 s, for 30 s. */
  readonly eject?: EjectOptions | false;
  /** If ejections would leave less than this share of the instances, they are ignored. From 0 to 1. Default 0.3. */
  readonly protect?: number;
  /** After so long a silence a view asks the store whether it missed anything. Default `'30s'`. */
  readonly stall?: Duration;
  /** Chance, for strategies and for pauses. */
  readonly prng?: Prng;
}

/**
 * Who offers what, and where: processes register instances of services, others look them up and pick one to call.
 *
 * An instance is there as long as its process keeps its session, and comes back by itself, with its latest data, after the
 * session was lost. What an operator decides about it ({@link ServiceRegistry.drain}) is kept apart and outlives that.
 */
export class ServiceRegistry<M = Metadata> implements AsyncDisposable {
  readonly #store: Store;
  readonly #registration: RegistrationSettings;
  readonly #view: ViewSettings;
  readonly #registrations = new Set<LiveRegistration<M>>();
  readonly #views = new Map<string, ServiceView<M>>();
  readonly #stop = new AbortController();
  #disposing: Promise<void> | undefined;

  /** @throws {@link InvalidArgumentError} if an option is outside its limits */
  constructor(store: Store, options?: ServiceRegistryOptions) {
    const { namespace, ttl, strategy, eject, protect, stall, prng } = mergedSettings<ServiceRegistryOptions>(
      new.target,
      'serviceRegistry',
      options,
    );
    folderPrefix(namespace, 'svc');
    const chance = prng ?? store.prng;
    const protectShare = protect ?? 0.3;
    if (!(protectShare >= 0 && protectShare <= 1)) {
      throw new InvalidArgumentError('protect', protect, 'a share from 0 to 1');
    }
    this.#store = store;
    this.#registration = { namespace, ttl, prng: chance };
    this.#view = {
      namespace,
      strategy: strategy ?? leastLoaded(),
      eject: eject === false ? undefined : ejectSettings(eject ?? {}),
      protectShare,
      prng: chance,
      mirror: { prng: chance, ...(stall !== undefined && { stall }) },
    };
  }

  /**
   * Registers an instance, and keeps it registered until the registration or the registry is disposed.
   *
   * While the store does not answer, it waits; bound it by `timeout` or `signal`. What it may have left in the store is then
   * taken out behind you.
   *
   * @throws {@link InvalidArgumentError} naming the field that is wrong
   * @throws {@link InstanceExistsError} if the id is taken and `onConflict` is `'reject'`
   * @throws {@link ClosedError} if the registry is disposed
   */
  async register(instance: Instance<M>, options: RegisterOptions = {}): Promise<Registration<M>> {
    this.#stop.signal.throwIfAborted();
    const registration = new LiveRegistration(this.#store, instance, this.#registration, options.onConflict);
    this.#registrations.add(registration);
    onAbort(registration.signal, () => {
      void registration.unregister().then(() => this.#registrations.delete(registration));
    });
    try {
      await registration.ready(options);
      return registration;
    } catch (error) {
      // Cleaned up behind the caller, whose patience is at its end; disposing waits for it.
      void registration.unregister();
      throw error;
    }
  }

  /**
   * The instances of a service, as a live copy. The same view for the same name, until it is closed; it is read when
   * first used.
   *
   * @throws {@link InvalidArgumentError} if this is no name; {@link ClosedError} if the registry is disposed
   */
  service(name: string): ServiceView<M> {
    this.#stop.signal.throwIfAborted();
    let view = this.#views.get(checkName(name, 'service'));
    if (!view) {
      view = new ServiceView<M>(this.#store, name, this.#view, () => this.#views.delete(name));
      this.#views.set(name, view);
    }
    return view;
  }

  /** Takes an instance out of service: views show it, nobody picks it. Holds until {@link restore}, whatever becomes of it. */
  async drain(service: string, id: string, options: CallOptions & { readonly reason?: string } = {}): Promise<void> {
    const { signal, reason } = options;
    await this.override(
      service,
      id,
      { drain: true, ...(reason !== undefined && { reason }) },
      signal ? { signal } : {},
    );
  }

  /**
   * Decides about an instance in its operator's name, in place of what was decided before.
   *
   * @throws {@link InvalidArgumentError} if the weight is below 0
   */
  async override(service: string, id: string, override: Override, options: CallOptions = {}): Promise<void> {
    checkNotNegative(override.weight, 'weight');
    await this.#store.put(this.#overrideKey(service, id), encodeOverride(override, by(this.#store)), options);
  }

  /** Forgets what was decided about an instance. */
  async restore(service: string, id: string, options: CallOptions = {}): Promise<void> {
    await this.#store.delete(this.#overrideKey(service, id), options);
  }

  /** Unregisters what was registered here and closes the views. Idempotent; never rejects. */
  dispose(): Promise<void> {
    this.#stop.abort(new ClosedError('the registry'));
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    const registrations = [...this.#registrations].map((registration) => registration.unregister());
    await Promise.all([...registrations, ...[...this.#views.values()].map((view) => view.close())]);
  }

  #overrideKey(service: string, id: string): string {
    return instanceKey(this.#view.namespace, 'svc-admin', service, id);
  }
}
