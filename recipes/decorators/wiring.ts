import type { Duration } from '../../core/base/duration.js';
import type { RecipeConstructor } from './recipe-decorators.js';

/** A class of the user's, as decorators give it. */
export type ServiceClass = new (...args: never[]) => object;

/** What the decorator of one member asks of `start`. */
export type Wiring = { readonly member: string | symbol; readonly recipe: RecipeConstructor } & (
  | { readonly kind: 'locked' }
  | { readonly kind: 'leaderOnly' }
  | { readonly kind: 'whileLeader' }
  | { readonly kind: 'consumes'; readonly concurrency: number; readonly drain?: Duration }
  | { readonly kind: 'onConfig'; readonly paths: readonly string[] }
  | { readonly kind: 'value'; readonly path: string }
);

const WIRINGS = new Map<ServiceClass, Wiring[]>();

export function recordWiring(service: ServiceClass, wiring: Wiring): void {
  const recorded = WIRINGS.get(service);
  if (recorded) recorded.push(wiring);
  else WIRINGS.set(service, [wiring]);
}

/**
 * What the decorated members of a class ask for, those it inherits first. A member that is decorated anew in a subclass
 * asks for what its new decorators say.
 */
export function wiringsOf(service: ServiceClass): readonly Wiring[] {
  const own = WIRINGS.get(service) ?? [];
  const parent = Object.getPrototypeOf(service) as unknown;
  const inherited = typeof parent === 'function' ? wiringsOf(parent as ServiceClass) : [];
  return [...inherited.filter(({ member }) => !own.some((wiring) => wiring.member === member)), ...own];
}

/**
 * Every class that has been loaded and has a decorated member of its own, in the order in which they were declared. One
 * that another of them extends is left out: it is there to be extended.
 */
export function wiredServices(): readonly ServiceClass[] {
  const all = [...WIRINGS.keys()];
  return all.filter((service) => !all.some(({ prototype }) => prototype instanceof service));
}

export function describeMember(wiring: Pick<Wiring, 'kind' | 'member'>, service: ServiceClass): string {
  return `@${wiring.kind} on ${service.name}.${String(wiring.member)}`;
}
