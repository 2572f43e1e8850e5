import type { KeyRange } from '../base/key-value.js';
import { KeySet } from './key-set.js';
import { ROOT, type Role, type User } from './types.js';

/** What a user may do, all roles taken together. */
export class Rights {
  /** May do everything, to keys and to the cluster. */
  readonly isRoot: boolean;
  readonly #readable: KeySet;
  readonly #writable: KeySet;

  /** @param roles - those of the user's roles that exist */
  constructor(user: User, roles: readonly Role[]) {
    const permissions = roles.flatMap((role) => role.permissions);
    this.isRoot = user.roles.includes(ROOT);
    this.#readable = new KeySet(permissions.filter(({ access }) => access !== 'write'));
    this.#writable = new KeySet(permissions.filter(({ access }) => access !== 'read'));
  }

  mayRead(range: KeyRange): boolean {
    return this.isRoot || this.#readable.holds(range);
  }

  mayWrite(range: KeyRange): boolean {
    return this.isRoot || this.#writable.holds(range);
  }
}
