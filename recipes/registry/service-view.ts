import { toText } from '../../core/base/bytes.js';
import { ClosedError } from '../../core/base/errors.js';
import { prefix } from '../../core/base/key-range.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Prng } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import { ForeignValueError } from '../foreign.js';
import { recipePrefix, unescapeSegment } from '../keys.js';
import { type Change, changeBetween, type Diff, mergeDiffs, type MirrorDiff } from '../mirror/diff.js';
import { Feed } from '../mirror/feed.js';
import { Mirror, type MirrorOptions } from '../mirror/mirror.js';
import { abortable, bounded, type WaitOptions } from '../wait.js';
import { NoInstanceError } from './errors.js';
import {
  decodeInstance,
  decodeOverride,
  idInKey,
  instanceKey,
  type InstanceRecord,
  type Override,
  type ServiceInstance,
  withOverride,
} from './instance.js';
import { type EjectSettings, Experience } from './outliers.js';
import { Picked } from './picked.js';
import type { Candidate, Choose, Strategy } from './strategies.js';

/** How the instances of a service changed: each at most once, its id as the key. */
export type ViewChange<M> = Diff<ServiceInstance<M>>;

export interface PickOptions<M> {
  /** What `sticky()` chooses by: a user's id, a shard's name. */
  readonly key?: string;
  /** Instances of this zone only, as long as one can be picked there. */
  readonly zone?: string;
  /** Ids not to pick: those that were tried already. */
  readonly exclude?: Iterable<string>;
  readonly where?: (instance: ServiceInstance<M>) => boolean;
  /** Pick by this strategy, this time. It begins anew with each pick, so `roundRobin()` makes no sense here. */
  readonly strategy?: Strategy;
}

/** For registries: what all their views share. */
export interface ViewSettings {
  readonly namespace: string | undefined;
  readonly strategy: Strategy;
  readonly eject: EjectSettings | undefined;
  /** If fewer than this share of the instances were left, ejections are ignored: then the fault is hardly theirs. */
  readonly protectShare: number;
  readonly prng: Prng;
  readonly mirror: Pick<MirrorOptions<unknown>, 'stall' | 'prng'>;
}

/**
 * The instances of one service, as a live copy: looking one up asks the store nothing. While the store does not answer, the
 * last known instances stay, and {@link ServiceView.stale} says so. Iterating gives the present first, then each change.
 */
export class ServiceView<M> implements AsyncIterable<ViewChange<M>>, AsyncDisposable {
  readonly service: string;
  readonly #store: Store;
  readonly #settings: ViewSettings;
  readonly #onClose: () => void;
  readonly #choose: Choose;
  readonly #records: Mirror<InstanceRecord<M>>;
  readonly #overrides: Mirror<Override>;
  readonly #feed = new Feed<ViewChange<M>>({ itemsMax: 64, merge: mergeDiffs });
  readonly #instances = new Map<string, ServiceInstance<M>>();
  readonly #experiences = new Map<string, Experience>();
  #sorted: readonly ServiceInstance<M>[] | undefined;
  #loading: Promise<void> | undefined;
  #isLoaded = false;

  /** For registries: `registry.service(name)` makes one. */
  constructor(store: Store, service: string, settings: ViewSettings, onClose: () => void) {
    this.#onClose = onClose;
    this.service = service;
    this.#store = store;
    this.#settings = settings;
    this.#choose = settings.strategy.begin();
    const { namespace, mirror } = settings;
    const instances = recipePrefix(namespace, 'svc', service);
    const overrides = recipePrefix(namespace, 'svc-admin', service);
    const decode = ofNamedKeys(instances, decodeInstance<M>);
    this.#records = new Mirror(store, { ...mirror, target: prefix(instances), decode });
    const decodeTheirs = ofNamedKeys(overrides, decodeOverride);
    this.#overrides = new Mirror(store, { ...mirror, target: prefix(overrides), decode: decodeTheirs });
    const failed = (error: unknown) => this.#feed.end(error);
    this.#records.observe({ failed, diff: (diff) => this.#follow(instances, diff) });
    this.#overrides.observe({ failed, diff: (diff) => this.#follow(overrides, diff) });
  }

  /** Whether the instances may be those of some time ago, because the store does not answer, or did not yet. */
  get stale(): boolean {
    return !this.#isLoaded || this.#records.stale || this.#overrides.stale;
  }

  /** Milliseconds since the store last confirmed the instances; undefined if it never did. */
  get confirmedAgoMs(): number | undefined {
    return this.#records.confirmedAgoMs;
  }

  /** Everything up to this revision has been seen; what the instances wrote, or what was decided about them, can be newer. */
  get revision(): number {
    return Math.min(this.#records.revision, this.#overrides.revision);
  }

  /**
   * Waits until the view has been read, and shows that many instances that can be picked.
   *
   * @param options - `instances`: default 0, so that a service without any is an answer, too
   * @throws {@link TimeoutError} after `timeout`; the view goes on trying
   * @throws {@link ClosedError} if the registry or the store is closed
   */
  async ready(options: WaitOptions & { readonly instances?: number } = {}): Promise<void> {
    const wanted = options.instances ?? 0;
    const what = `reading ${wanted === 0 ? '' : `${wanted} instances of `}service ${this.service}`;
    await bounded(this.#store.clock, what, options, async (signal) => {
      await abortable(this.#load(), signal);
      if (this.#inService().length >= wanted) return;
      for await (const _ of this.#feed.read({ signal })) if (this.#inService().length >= wanted) return;
      throw new ClosedError(`the view of service ${this.service}`);
    });
  }

  /** Every instance, drained ones too, in order of their ids. */
  all(): readonly ServiceInstance<M>[] {
    void this.#load();
    this.#sorted ??= [...this.#instances.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#sorted;
  }

  get(id: string): ServiceInstance<M> | undefined {
    void this.#load();
    return this.#instances.get(id);
  }

  /**
   * Picks an instance to call. Say `ok()` or `fail(error)` when the call has ended, or dispose.
   *
   * @throws {@link NoInstanceError} if there is none; {@link InvalidArgumentError} if the strategy needs a `key`
   */
  pick(options: PickOptions<M> = {}): Picked<M> {
    const candidates = this.#candidates(options);
    const choose = options.strategy?.begin() ?? this.#choose;
    const { instance } = choose(candidates, {
      prng: this.#settings.prng,
      ...(options.key !== undefined && { key: options.key }),
    });
    return new Picked(instance, this.#experienceOf(instance.id), this.#store.logger);
  }

  /**
   * The present state, everything `added` and possibly nothing; then each change of it. A slow reader gets merged changes.
   * An abort rejects with the signal's reason.
   */
  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<ViewChange<M>> {
    return { [Symbol.asyncIterator]: () => this.#changes(options.signal) };
  }

  [Symbol.asyncIterator](): AsyncIterator<ViewChange<M>> {
    return this.#changes(undefined);
  }

  /** Stops following the service. What it knows stays readable. Idempotent. */
  async close(): Promise<void> {
    this.#onClose();
    this.#feed.end();
    await Promise.all([this.#records.close(), this.#overrides.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // --- Picking ----------------------------------------------------------------------------------------------------------

  #candidates(options: PickOptions<M>): readonly Candidate<M>[] {
    const inService = this.#inService();
    const exclude = new Set(options.exclude);
    const wanted = inService.filter((instance) => !exclude.has(instance.id) && (options.where?.(instance) ?? true));
    if (wanted.length === 0) {
      const [known, drained] = [this.#instances.size, this.#instances.size - inService.length];
      throw new NoInstanceError(this.service, { known, drained, excluded: inService.length, stale: this.stale });
    }
    const healthy = wanted.filter(({ id }) => !this.#experienceOf(id).isEjected);
    const isProtected = healthy.length === 0 || healthy.length < this.#settings.protectShare * wanted.length;
    const preferred = orAll(isProtected ? wanted : healthy, ({ zone }) => zone === (options.zone ?? zone));
    const weighty = orAll(preferred, ({ weight }) => weight > 0);
    return weighty.map((instance) => ({ instance, inFlight: this.#experienceOf(instance.id).inFlight }));
  }

  #inService(): readonly ServiceInstance<M>[] {
    return this.all().filter(({ drained }) => !drained);
  }

  #experienceOf(id: string): Experience {
    let experience = this.#experiences.get(id);
    if (!experience) {
      experience = new Experience(this.#store.clock, this.#settings.eject);
      this.#experiences.set(id, experience);
    }
    return experience;
  }

  // --- Following --------------------------------------------------------------------------------------------------------

  /** Shows nothing before both are listed: an instance must not look undrained because its override comes later. */
  #load(): Promise<void> {
    if (!this.#loading) {
      this.#loading = Promise.all([this.#records.ready(), this.#overrides.ready()]).then(() => {
        this.#isLoaded = true;
        const start = recipePrefix(this.#settings.namespace, 'svc', this.service);
        this.#update(this.#records.entries().map(({ key }) => idOf(start, key)));
      });
      // Whoever waits in ready() hears of it.
      this.#loading.catch(() => undefined);
    }
    return this.#loading;
  }

  #follow(start: string, diff: MirrorDiff<unknown>): void {
    if (this.#isLoaded) this.#update(diff.changes.map(({ key }) => idOf(start, key)));
  }

  #update(ids: readonly string[]): void {
    const changes: Change<ServiceInstance<M>>[] = [];
    for (const id of ids) {
      const previous = this.#instances.get(id);
      const current = this.#read(id);
      if (current) this.#instances.set(id, current);
      else this.#instances.delete(id);
      // Another registration under the same id is another process: what the last one did is not held against it.
      if (previous?.registrationId !== current?.registrationId) this.#experiences.delete(id);
      const change = changeBetween(id, previous, current);
      if (change) changes.push(change);
    }
    if (changes.length === 0) return;
    this.#sorted = undefined;
    this.#feed.push({ revision: this.revision, changes });
  }

  #read(id: string): ServiceInstance<M> | undefined {
    const { namespace } = this.#settings;
    const record = this.#records.get(instanceKey(namespace, 'svc', this.service, id))?.value;
    const override = this.#overrides.get(instanceKey(namespace, 'svc-admin', this.service, id))?.value;
    return record && withOverride(this.service, id, record, override);
  }

  async *#changes(signal: AbortSignal | undefined): AsyncGenerator<ViewChange<M>> {
    await this.ready(signal ? { signal } : {});
    const changes = this.all().map((current) => ({ type: 'added', key: current.id, current }) as const);
    yield* this.#feed.read({ signal, first: { revision: this.revision, changes } });
  }
}

/** Reads what stands under the name of an instance, and refuses whatever else somebody put below the start of the keys. */
function ofNamedKeys<T>(start: string, decode: (kv: KeyValue) => T | undefined): (kv: KeyValue) => T {
  return (kv) => {
    const value = idInKey(start, kv.key) === undefined ? undefined : decode(kv);
    if (value === undefined) throw new ForeignValueError(toText(kv.key));
    return value;
  };
}

function idOf(start: string, key: string): string {
  return unescapeSegment(key.slice(start.length));
}

/** Those that are as wanted; all of them if none is. */
function orAll<E>(all: readonly E[], isWanted: (one: E) => boolean): readonly E[] {
  const wanted = all.filter(isWanted);
  return wanted.length === 0 ? all : wanted;
}
