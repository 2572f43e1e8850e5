import { NotStartedError } from './errors.js';
import type { RecipeConstructor } from './recipe-decorators.js';

/** What a decorated method needs from the app that its object is part of. */
export interface Runtime {
  recipe<R extends AsyncDisposable>(recipeClass: RecipeConstructor<R>): R;
  /** Does something under the leadership that this process has of the election; `undefined` if it has none at present. */
  whileLeading<R>(electionClass: RecipeConstructor, call: () => R | Promise<R>): Promise<R> | undefined;
  /** Keeps the app from ending before the call has. */
  track<R>(call: Promise<R>): Promise<R>;
}

const BYPASS = Symbol('bypass');
const RUNTIMES = new WeakMap<object, Runtime | typeof BYPASS>();

/** Makes an object part of an app. */
export function bind(service: object, runtime: Runtime): void {
  if (RUNTIMES.get(service) !== BYPASS) RUNTIMES.set(service, runtime);
}

/** The object is no longer part of that app. */
export function unbind(service: object, runtime: Runtime): void {
  if (RUNTIMES.get(service) === runtime) RUNTIMES.delete(service);
}

/**
 * For unit tests: the decorated methods of this object are called plainly, with neither lock nor leadership, and no app.
 *
 * @returns the same object
 */
export function bypass<T extends object>(service: T): T {
  RUNTIMES.set(service, BYPASS);
  return service;
}

/**
 * The app that an object is part of; `undefined` if it is bypassed.
 *
 * @throws {@link NotStartedError} if it is in no app
 */
export function runtimeOf(service: object, where: string): Runtime | undefined {
  const runtime = RUNTIMES.get(service);
  if (runtime === undefined) throw new NotStartedError(where);
  return runtime === BYPASS ? undefined : runtime;
}
