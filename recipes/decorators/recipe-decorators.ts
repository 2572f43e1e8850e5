import 'reflect-metadata';
import { inject, Lifecycle, scoped } from 'tsyringe';
import { InvalidArgumentError } from '../../core/base/errors.js';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { BarrierQueue, type BarrierQueueOptions } from '../barrier-queue/barrier-queue.js';
import { ConfigWatcher, type ConfigWatcherOptions } from '../config/config-watcher.js';
import { Election, type ElectionOptions } from '../election/election.js';
import { Mutex, type MutexOptions } from '../mutex/mutex.js';
import { ServiceRegistry, type ServiceRegistryOptions } from '../registry/service-registry.js';
import { recordSettings, type RecipeClass, type RecipeKind } from '../settings.js';
import { STORE } from './store-token.js';

/** What every recipe class has: it is made from a store, and lets go when it is disposed. */
export type RecipeConstructor<R extends AsyncDisposable = AsyncDisposable> = new (...args: never[]) => R;

type ClassDecorator<R extends AsyncDisposable> = (recipeClass: RecipeConstructor<R>) => void;

/** All classes that carry a recipe decorator, in the order in which they were declared. */
const DECORATED = new Set<RecipeConstructor>();

/** Where tsyringe notes the tokens of a constructor's parameters. */
const TOKENS = 'injectionTokens';

/** Configures a subclass of {@link Mutex}. */
export const mutex = (options: MutexOptions & { readonly name: string }) => decorator<Mutex>('mutex', Mutex, options);

/** Configures a subclass of {@link Election}. */
export const election = <T>(options: ElectionOptions<T> & { readonly name: string }) =>
  decorator<Election<T>>('election', Election, options);

/** Configures a subclass of {@link BarrierQueue}. */
export const barrierQueue = <T>(options: BarrierQueueOptions<T> & { readonly name: string }) =>
  decorator<BarrierQueue<T>>('barrierQueue', BarrierQueue, options);

/** Configures a subclass of {@link ServiceRegistry}. */
export const serviceRegistry = (options: ServiceRegistryOptions = {}) =>
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever its instances' metadata are
  decorator<ServiceRegistry<any>>('serviceRegistry', ServiceRegistry, options);

/** Configures a subclass of {@link ConfigWatcher}. */
export const configWatcher = <S extends StandardSchemaV1>(
  options: ConfigWatcherOptions<S> & { readonly name: string; readonly schema: S },
) => decorator<ConfigWatcher<S>>('configWatcher', ConfigWatcher, options);

/** Every decorated recipe class that has been loaded. */
export function decoratedRecipes(): readonly RecipeConstructor[] {
  return [...DECORATED];
}

export function isDecoratedRecipe(candidate: unknown): candidate is RecipeConstructor {
  return DECORATED.has(candidate as RecipeConstructor);
}

/**
 * One decorator does it all: it records the options for the recipe's constructor, and tells tsyringe how to make the class,
 * one instance a container. It needs no type metadata, so it works under every compiler.
 */
function decorator<R extends AsyncDisposable>(
  kind: RecipeKind,
  base: abstract new (...args: never[]) => AsyncDisposable,
  options: object,
): ClassDecorator<R> {
  return (recipeClass) => {
    if (typeof recipeClass !== 'function' || !(recipeClass.prototype instanceof base)) {
      throw new InvalidArgumentError(`@${kind}`, describeClass(recipeClass), `on a class that extends ${base.name}`);
    }
    recordSettings(recipeClass as unknown as RecipeClass, kind, options);
    if (!injectsStore(recipeClass)) inject(STORE)(recipeClass, undefined, 0);
    scoped(Lifecycle.ContainerScoped)(recipeClass);
    DECORATED.add(recipeClass);
  };
}

/**
 * Whether the class says itself where the store goes. One without a constructor of its own has the parameters of the class
 * that it extends, and so, what tsyringe does not know, their tokens.
 */
function injectsStore(recipeClass: RecipeConstructor): boolean {
  if (!Reflect.hasOwnMetadata(TOKENS, recipeClass) && recipeClass.length === 0) {
    Reflect.defineMetadata(
      TOKENS,
      { ...(Reflect.getMetadata(TOKENS, recipeClass) as object | undefined) },
      recipeClass,
    );
  }
  const tokens = (Reflect.getOwnMetadata(TOKENS, recipeClass) ?? {}) as Record<string, { readonly token?: unknown }>;
  return Object.values(tokens).some(({ token }) => token === STORE);
}

/** The name of what should be a class; a missing one mostly comes from modules that import each other in a circle. */
export function describeClass(candidate: unknown): string {
  if (candidate === undefined) return 'undefined (do two modules import each other?)';
  return typeof candidate === 'function' ? candidate.name : `a value of type ${typeof candidate}`;
}
