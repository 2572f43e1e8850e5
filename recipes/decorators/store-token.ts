import type { InjectionToken } from 'tsyringe';
import type { Store } from '../../core/store.js';

/**
 * Under which token the container holds the store. `start(container, { store })` registers it; who resolves recipes
 * without `start` registers it: `container.register(STORE, { useValue: store })`.
 */
export const STORE: InjectionToken<Store> = Symbol('conclave.Store');
