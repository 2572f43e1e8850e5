import type { Duration } from '../../core/base/duration.js';
import { hasCode } from '../../core/base/errors.js';
import { BarrierQueue } from '../barrier-queue/barrier-queue.js';
import { ConfigWatcher } from '../config/config-watcher.js';
import { Election } from '../election/election.js';
import { Mutex } from '../mutex/mutex.js';
import { DecoratorMisuseError, NotLeaderError } from './errors.js';
import { type Method, standIn } from './method-wrapper.js';
import { describeClass, type RecipeConstructor } from './recipe-decorators.js';
import { runtimeOf } from './runtime.js';
import { recordWiring, type ServiceClass, type Wiring } from './wiring.js';

/* eslint-disable @typescript-eslint/no-explicit-any -- whatever they carry */
type AnyElection = Election<any>;
type AnyQueue = BarrierQueue<any, any>;
type AnyConfig = ConfigWatcher<any>;
type AnyArguments = any[];
type AsyncMethod = (...args: any) => Promise<unknown>;
/* eslint-enable @typescript-eslint/no-explicit-any */

/** A decorator of asynchronous methods whose first parameters are these. */
type MethodDecorator<A extends AnyArguments = AnyArguments> = <M extends AsyncMethod>(
  target: object,
  member: string | symbol,
  descriptor: TypedPropertyDescriptor<M> & (Parameters<M> extends [...A, ...AnyArguments] ? unknown : never),
) => void;

interface WaitingOptions {
  /** Waits while somebody else has the lock. */
  readonly onBusy?: 'wait';
  /** The longest wait; then the call throws `TimeoutError`. Default: as long as it takes. */
  readonly timeout?: Duration;
}

interface BusyOptions {
  /** If somebody else has the lock: `'skip'` (the call answers `undefined`), or `'throw'` (`TimeoutError`, at once). */
  readonly onBusy: 'skip' | 'throw';
  readonly timeout?: never;
}

/** What to do if somebody else has the lock. */
export type LockedOptions = WaitingOptions | BusyOptions;

/**
 * The method runs under a lock; in it, `currentHeld()` answers the hold. What it throws is thrown on as it is.
 *
 * @param lockClass - a class with `@mutex`
 * @param name - what to lock, from the method's arguments, as for `Mutex.of`. Default: the lock as a whole
 */
export function locked<A extends AnyArguments>(
  lockClass: RecipeConstructor<Mutex>,
  name?: (...args: A) => string | readonly string[],
  { timeout, onBusy = 'wait' }: LockedOptions = {},
): MethodDecorator<A> {
  const decorate = onMethod('locked', lockClass, Mutex, {}, (method, where) => {
    return async function (...args) {
      const runtime = runtimeOf(this, where);
      if (!runtime) return method.apply(this, args);
      const whole = runtime.recipe(lockClass);
      const lock = name ? whole.of(...[name(...(args as A))].flat()) : whole;
      const limit = onBusy === 'wait' ? timeout : 0;
      let begun = false;
      const work = () => {
        begun = true;
        return method.apply(this, args);
      };
      try {
        return await runtime.track(lock.run(work, limit === undefined ? {} : { timeout: limit }));
      } catch (error) {
        if (onBusy === 'skip' && !begun && hasCode(error, 'TIMEOUT')) return undefined;
        throw error;
      }
    };
  });
  return decorate as MethodDecorator<A>;
}

/**
 * The method runs only while this process leads the election, and under that leadership: `currentHeld()` answers it. An app
 * with such a method stands in the election from its start.
 *
 * @param options - `otherwise`: `'throw'` (the default) {@link NotLeaderError}, or `'skip'`: the call answers `undefined`
 */
export function leaderOnly(
  electionClass: RecipeConstructor<AnyElection>,
  { otherwise = 'throw' }: { readonly otherwise?: 'skip' | 'throw' } = {},
): MethodDecorator {
  return onMethod('leaderOnly', electionClass, Election, {}, (method, where) => {
    return async function (...args) {
      const runtime = runtimeOf(this, where);
      if (!runtime) return method.apply(this, args);
      const call = runtime.whileLeading(electionClass, () => method.apply(this, args));
      if (call) return runtime.track(call);
      if (otherwise === 'skip') return undefined;
      throw new NotLeaderError(where, electionClass.name);
    };
  });
}

/**
 * The app stands in the election, and calls the method with the leadership whenever it is elected. The method works until
 * `leadership.signal` aborts. In it, `currentHeld()` answers the leadership.
 *
 * If all such methods of an election return earlier, the app resigns and stands again, unless the election has methods with
 * `@leaderOnly`, too: then it goes on leading. If one throws, that is reported (the app's `error` event), the others' signal
 * aborts, and the app resigns. It stands again after a second at least, after a row of failures up to half a minute.
 */
export function whileLeader(electionClass: RecipeConstructor<AnyElection>): MethodDecorator {
  return onMethod('whileLeader', electionClass, Election, {});
}

export interface ConsumesOptions {
  /** Items handled at once. Default: 1. */
  readonly concurrency?: number;
  /** How long an app that ends waits for the handlers. Default: `'10s'`. */
  readonly drain?: Duration;
}

/** The method handles the items of the queue, from the app's start to its end. See `BarrierQueue.run`. */
export function consumes(
  queueClass: RecipeConstructor<AnyQueue>,
  { concurrency = 1, drain }: ConsumesOptions = {},
): MethodDecorator {
  return onMethod('consumes', queueClass, BarrierQueue, { concurrency, ...(drain !== undefined && { drain }) });
}

/**
 * The method is called with each change of the configuration that concerns one of the paths, after it came into force. The
 * next change is told of when it has returned.
 *
 * @param paths - such as `'limits.max'`, or `'limits.*'` for everything below. None: every change
 */
export function onConfig(
  configClass: RecipeConstructor<AnyConfig>,
  ...paths: readonly string[]
): (target: object, member: string | symbol, descriptor: PropertyDescriptor) => void {
  return onMethod('onConfig', configClass, ConfigWatcher, { paths }) as (
    target: object,
    member: string | symbol,
    descriptor: PropertyDescriptor,
  ) => void;
}

/**
 * The property always has the value now in force at this path of the configuration, from when the app has made the object;
 * in the object's own constructor it is not there yet. It cannot be assigned to.
 */
export function value(
  configClass: RecipeConstructor<AnyConfig>,
  path: string,
): (target: object, member: string | symbol) => void {
  return (target, member) => {
    const service = target.constructor as ServiceClass;
    const where = `@value on ${service.name}.${String(member)}`;
    if (typeof target === 'function') throw new DecoratorMisuseError(where, 'it must be on a property of an object');
    checkRecipe(where, configClass, ConfigWatcher);
    recordWiring(service, { kind: 'value', member, recipe: configClass, path });
  };
}

type Details<K extends Wiring['kind']> = Omit<Extract<Wiring, { kind: K }>, 'kind' | 'member' | 'recipe'>;

/** A decorator of methods: checks what it stands on, records what `start` shall do, and may put another method in place. */
function onMethod<K extends Exclude<Wiring['kind'], 'value'>>(
  kind: K,
  recipe: RecipeConstructor,
  base: abstract new (...args: never[]) => AsyncDisposable,
  details: Details<K>,
  replace?: (method: Method, where: string) => Method,
): MethodDecorator {
  return (target, member, descriptor) => {
    const service = target.constructor as ServiceClass;
    const where = `@${kind} on ${typeof target === 'function' ? target.name : service.name}.${String(member)}`;
    if (typeof target === 'function' || typeof descriptor?.value !== 'function') {
      throw new DecoratorMisuseError(where, 'it must be on a method of an object');
    }
    checkRecipe(where, recipe, base);
    recordWiring(service, { kind, member, recipe, ...details } as unknown as Wiring);
    if (replace)
      descriptor.value = standIn(descriptor.value as Method, replace(descriptor.value as Method, where)) as never;
  };
}

function checkRecipe(where: string, recipe: unknown, base: abstract new (...args: never[]) => AsyncDisposable): void {
  if (typeof recipe === 'function' && recipe.prototype instanceof base) return;
  throw new DecoratorMisuseError(where, `${describeClass(recipe)} is no class that extends ${base.name}`);
}
