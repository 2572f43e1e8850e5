/**
 * What a decorator says about a recipe class, until the class is constructed: `@mutex({ name: 'orders' })` records, and
 * the constructor of `Mutex` reads, so `new OrdersLock(store)` needs neither options nor a container.
 */
import { InvalidArgumentError } from '../core/base/errors.js';

/** The recipes, by the names of their decorators. */
export type RecipeKind = 'mutex' | 'election' | 'barrierQueue' | 'serviceRegistry' | 'configWatcher';

/** A class, as decorators and `new.target` give it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any class, whatever its constructor takes
export type RecipeClass = abstract new (...args: any[]) => object;

export interface RecordedSettings {
  readonly recipe: RecipeKind;
  readonly options: object;
}

const RECORDED = new WeakMap<RecipeClass, RecordedSettings>();

/**
 * Remembers the options of a decorated class.
 *
 * @throws {@link InvalidArgumentError} if the class has been decorated before
 */
export function recordSettings(recipeClass: RecipeClass, recipe: RecipeKind, options: object): void {
  if (RECORDED.has(recipeClass)) {
    throw new InvalidArgumentError(
      'decorator',
      `@${recipe} on ${recipeClass.name}`,
      'the only recipe decorator of its class',
    );
  }
  RECORDED.set(recipeClass, { recipe, options });
}

/** What was recorded for the class, or for the nearest class that it extends. */
export function settingsOf(recipeClass: RecipeClass): RecordedSettings | undefined {
  for (let cls: unknown = recipeClass; typeof cls === 'function'; cls = Object.getPrototypeOf(cls)) {
    const recorded = RECORDED.get(cls as RecipeClass);
    if (recorded) return recorded;
  }
  return undefined;
}

/**
 * The options a recipe's constructor works with: those given, over those its class was decorated with.
 *
 * @param recipeClass - the constructor's `new.target`
 * @throws {@link InvalidArgumentError} if the class was decorated as another recipe
 */
export function mergedSettings<O extends object>(
  recipeClass: RecipeClass,
  recipe: RecipeKind,
  given: O | undefined,
): O {
  const recorded = settingsOf(recipeClass);
  if (recorded && recorded.recipe !== recipe) {
    throw new InvalidArgumentError('decorator', `@${recorded.recipe} on ${recipeClass.name}`, `@${recipe}`);
  }
  return { ...(recorded?.options as O | undefined), ...given } as O;
}

/**
 * The name among the options.
 *
 * @throws {@link InvalidArgumentError}, by the name of the class, if there is none
 */
export function requiredName(
  recipeClass: RecipeClass,
  recipe: RecipeKind,
  options: { readonly name?: string },
): string {
  if (options.name === undefined) {
    throw new InvalidArgumentError(
      `${recipeClass.name}.name`,
      undefined,
      `given: new ${recipeClass.name}(store, { name: '...' }), or @${recipe}({ name: '...' }) on the class`,
    );
  }
  return options.name;
}
