import type { DependencyContainer } from 'tsyringe';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { sleep } from '../../core/base/clock.js';
import type { Store } from '../../core/store.js';
import type { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import type { Delivery } from '../barrier-queue/delivery.js';
import { ConfigWatcher } from '../config/config-watcher.js';
import type { Election } from '../election/election.js';
import type { Leadership } from '../election/leadership.js';
import { Emitter } from '../emitter.js';
import { withCurrentHeld } from '../mutex/current-held.js';
import type { WaitOptions } from '../wait.js';
import { concerns, valueAt } from './config-paths.js';
import { DecoratorMisuseError } from './errors.js';
import { isLoss, LeaderLoop } from './leader-loop.js';
import type { Method } from './method-wrapper.js';
import { decoratedRecipes, describeClass, isDecoratedRecipe, type RecipeConstructor } from './recipe-decorators.js';
import { bind, type Runtime, unbind } from './runtime.js';
import { STORE } from './store-token.js';
import { describeMember, type ServiceClass, type Wiring, wiredServices, wiringsOf } from './wiring.js';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever its schema
type AnyConfig = ConfigWatcher<any>;

export interface StartOptions extends WaitOptions {
  /** The store under everything. Default: what the container has under {@link STORE}. */
  readonly store?: Store;
  /**
   * The classes with decorated members that this app is made of. Default: all that have been loaded. The container makes
   * one object of each, unless it says otherwise, and that is the one that is wired.
   */
  readonly services?: readonly ServiceClass[];
  /**
   * The decorated recipes besides those that members' decorators name. Default: all that have been loaded. Configurations
   * among them are ready when `start` returns. A list shall name those that services are injected with, too: the app
   * disposes no others.
   */
  readonly recipes?: readonly RecipeConstructor[];
  /** How long an app that ends waits for calls and handlers under way. Default: `'10s'`. */
  readonly drain?: Duration;
}

export interface AppEvents {
  /** A decorated method that the app called has thrown; `where` says which. It is in the log as well. */
  error: (error: unknown, where: string) => void;
}

/**
 * What `start` has started. Disposing stops it in reverse order: nothing more is consumed or campaigned for, calls and
 * handlers under way are waited for up to `drain`, then the recipes are disposed, so that others take over at once.
 */
export class App extends Emitter<AppEvents> implements Runtime, AsyncDisposable {
  readonly #container: DependencyContainer;
  readonly #store: Store;
  readonly #drainMs: number;
  readonly #stop = new AbortController();
  readonly #recipes = new Map<RecipeConstructor, AsyncDisposable>();
  readonly #services: object[] = [];
  readonly #leaders = new Map<RecipeConstructor, LeaderLoop>();
  /** What runs until the app stops. */
  readonly #running: Promise<unknown>[] = [];
  /** What was begun before the app stops, and is waited for. */
  readonly #calls = new Set<Promise<unknown>>();
  readonly #undo: (() => void)[] = [];
  #disposing: Promise<void> | undefined;

  /** Use {@link start}. */
  constructor(container: DependencyContainer, store: Store, drainMs: number) {
    super(store.logger);
    this.#container = container;
    this.#store = store;
    this.#drainMs = drainMs;
  }

  /** Makes, readies and wires everything; see {@link start}. */
  async begin({ services, recipes, ...wait }: StartOptions): Promise<void> {
    const classes = services ?? wiredServices();
    for (const service of classes) for (const wiring of wiringsOf(service)) checkWiring(wiring, service);
    const used = classes.flatMap((service) => wiringsOf(service).map(({ recipe }) => recipe));
    for (const recipe of [...(recipes ?? decoratedRecipes()), ...used]) this.recipe(recipe);
    const configs = [...this.#recipes.values()].filter((recipe) => recipe instanceof ConfigWatcher) as AnyConfig[];
    await Promise.all(configs.map((config) => config.ready(wait)));

    const made = classes.map((service) => ({ service, object: this.#make(service), wirings: wiringsOf(service) }));
    for (const { service, object, wirings } of made) this.#wirePassive(service, object, wirings);
    this.#campaign(
      made.flatMap(({ service, object, wirings }) => wirings.map((wiring) => ({ service, object, wiring }))),
    );
    for (const { service, object, wirings } of made) this.#consume(service, object, wirings);
  }

  recipe<R extends AsyncDisposable>(recipeClass: RecipeConstructor<R>): R {
    const known = this.#recipes.get(recipeClass);
    if (known) return known as R;
    const made = this.#container.resolve<R>(recipeClass as unknown as new (...args: unknown[]) => R);
    this.#recipes.set(recipeClass, made);
    return made;
  }

  whileLeading<R>(electionClass: RecipeConstructor, call: () => R | Promise<R>): Promise<R> | undefined {
    return this.#leaders.get(electionClass)?.during(call);
  }

  track<R>(call: Promise<R>): Promise<R> {
    const tracked = call.finally(() => this.#calls.delete(settled));
    const settled = tracked.then(ignore, ignore);
    this.#calls.add(settled);
    return tracked;
  }

  /** Stops it; idempotent, never rejects. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#end();
    return this.#disposing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #make(service: ServiceClass): object {
    const token = service as unknown as new (...args: unknown[]) => object;
    if (!this.#container.isRegistered(token, true)) this.#container.registerSingleton(token);
    const object = this.#container.resolve(token);
    this.#services.push(object);
    return object;
  }

  /** Wires what waits to be used: methods under locks and leaderships, values and changes of configuration. */
  #wirePassive(service: ServiceClass, object: object, wirings: readonly Wiring[]): void {
    bind(object, this);
    for (const wiring of wirings) {
      const { member } = wiring;
      if (wiring.kind === 'value') {
        const config = this.recipe(wiring.recipe) as unknown as AnyConfig;
        const get = () => valueAt(config.current, wiring.path);
        Object.defineProperty(object, member, { get, enumerable: true, configurable: true });
      }
      if (wiring.kind === 'onConfig') this.#listen(service, object, wiring);
    }
  }

  #listen(service: ServiceClass, object: object, wiring: Extract<Wiring, { kind: 'onConfig' }>): void {
    const config = this.recipe(wiring.recipe) as unknown as AnyConfig;
    const listener = (change: { readonly changes: readonly { readonly path: string }[] }) => {
      if (wiring.paths.length > 0 && !change.changes.some(({ path }) => concerns(wiring.paths, path))) return undefined;
      const call = this.#call(object, wiring, change);
      // The watcher waits for it before it tells of the next change.
      return this.track(call.catch((error: unknown) => this.#report(error, wiring, service)));
    };
    config.on('change', listener);
    this.#undo.push(() => config.off('change', listener));
  }

  /** One candidacy for each election, however many methods it is for. */
  #campaign(members: readonly { service: ServiceClass; object: object; wiring: Wiring }[]): void {
    const elections = new Set<RecipeConstructor>();
    for (const { wiring } of members) {
      if (wiring.kind === 'whileLeader' || wiring.kind === 'leaderOnly') elections.add(wiring.recipe);
    }
    for (const electionClass of elections) {
      const concerned = members.filter(({ wiring }) => wiring.recipe === electionClass);
      const works = concerned
        .filter(({ wiring }) => wiring.kind === 'whileLeader')
        .map(
          ({ service, object, wiring }) =>
            (leadership: Leadership<unknown>) =>
              this.#lead(leadership, object, wiring, service),
        );
      const staysLeader = concerned.some(({ wiring }) => wiring.kind === 'leaderOnly');
      const election = this.recipe(electionClass) as unknown as Election<unknown>;
      const loop = new LeaderLoop(this.#store, election, works, staysLeader);
      this.#leaders.set(electionClass, loop);
      this.#running.push(
        loop.run(this.#stop.signal, (error) => this.#announceError(error, `election ${electionClass.name}`)),
      );
    }
  }

  async #lead(leadership: Leadership<unknown>, object: object, wiring: Wiring, service: ServiceClass): Promise<void> {
    try {
      await withCurrentHeld(leadership, () => this.#call(object, wiring, leadership));
    } catch (error) {
      if (isEnd(error, leadership.signal)) return;
      this.#report(error, wiring, service);
      throw error;
    }
  }

  #consume(service: ServiceClass, object: object, wirings: readonly Wiring[]): void {
    for (const wiring of wirings) {
      if (wiring.kind !== 'consumes') continue;
      const queue = this.recipe(wiring.recipe) as unknown as BarrierQueue<unknown>;
      const handle = async (delivery: Delivery<unknown>) => {
        try {
          await this.#call(object, wiring, delivery);
        } catch (error) {
          this.#report(error, wiring, service);
          throw error;
        }
      };
      const { concurrency, drain = this.#drainMs } = wiring;
      const run = queue.run(handle, { concurrency, drain, signal: this.#stop.signal });
      this.#running.push(run.catch((error: unknown) => this.#report(error, wiring, service)));
    }
  }

  async #call(object: object, { member }: Wiring, argument: unknown): Promise<void> {
    await ((object as Record<string | symbol, Method>)[member] as Method).call(object, argument);
  }

  #report(error: unknown, wiring: Wiring, service: ServiceClass): void {
    this.#announceError(error, describeMember(wiring, service));
  }

  #announceError(error: unknown, where: string): void {
    this.#store.logger.error({ err: error, where }, 'a decorated method failed');
    this.announce('error', error, where);
  }

  async #end(): Promise<void> {
    this.#stop.abort(new DOMException('the app is ending', 'AbortError'));
    for (const undo of this.#undo.reverse()) undo();
    const done = new AbortController();
    const drained = Promise.all([...this.#running, ...this.#calls]);
    await Promise.race([drained, sleep(this.#store.clock, this.#drainMs, done.signal).catch(ignore)]);
    done.abort();
    for (const service of this.#services.reverse()) unbind(service, this);
    const recipes = [...this.#recipes.values()].reverse();
    await Promise.allSettled(recipes.map((recipe) => recipe[Symbol.asyncDispose]()));
  }
}

/** A container makes one object of a class, and those of an app that has ended are of no more use. */
const STARTED = new WeakSet<DependencyContainer>();
const ALREADY_STARTED =
  'an app was started in this container before; for another one, take container.createChildContainer()';
const NO_STORE = 'there is no store: pass `store`, or register one in the container under STORE';

/**
 * Starts everything that is decorated: recipes are made by the container, configurations are read, elections stood in,
 * queues consumed. Disposing what it returns stops it in reverse order.
 *
 * @example
 * ```ts
 * await using app = await start(container, { store });
 * ```
 * @throws {@link DecoratorMisuseError} naming class and member, if a decorator names what is no decorated recipe;
 * if there is no store, or an app was started in this container before
 * @throws what a configuration's `ready` throws; nothing keeps running then
 */
export async function start(container: DependencyContainer, options: StartOptions = {}): Promise<App> {
  if (STARTED.has(container)) throw new DecoratorMisuseError('start', ALREADY_STARTED);
  if (options.store) container.register(STORE, { useValue: options.store });
  else if (!container.isRegistered(STORE, true)) throw new DecoratorMisuseError('start', NO_STORE);
  STARTED.add(container);
  const store = container.resolve<Store>(STORE);
  const app = new App(container, store, toMilliseconds(options.drain ?? '10s', 'drain'));
  try {
    await app.begin(options);
    return app;
  } catch (error) {
    await app.dispose();
    throw error;
  }
}

function checkWiring(wiring: Wiring, service: ServiceClass): void {
  const { recipe } = wiring;
  if (isDecoratedRecipe(recipe)) return;
  throw new DecoratorMisuseError(
    describeMember(wiring, service),
    `${describeClass(recipe)} carries no recipe decorator, so nothing says how to make it`,
  );
}

/** Whether a method that led has failed only because it was told to stop. */
function isEnd(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || isLoss(error) || (error as Error | undefined)?.name === 'AbortError';
}

function ignore(): void {}
