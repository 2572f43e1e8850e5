/** What a caller may do beside commands and reads, which the machine itself checks: all as the state is when asked. */
import { assertMayEnd, assertMaySee } from '../auth/needs.js';
import type { Caller } from '../auth/types.js';
import { PermissionDeniedError } from '../base/errors.js';
import type { KeyRange, LeaseId } from '../base/key-value.js';
import type { Machine } from '../machine/machine.js';

/** A question that is answered by throwing. @throws what {@link Auth.rightsOf} throws, and {@link PermissionDeniedError} */
export type Check = (machine: Machine) => void;

/** For what anybody may do of whom the cluster knows. */
export function isKnown(caller: Caller): Check {
  return ({ auth }) => void auth.rightsOf(caller);
}

/** For what concerns all. @param what - to do, for the error's text */
export function isRoot(caller: Caller, what: string): Check {
  return ({ auth }) => {
    const rights = auth.rightsOf(caller);
    if (rights !== undefined && !rights.isRoot) throw new PermissionDeniedError(what);
  };
}

/** For a watch. */
export function mayWatch(caller: Caller, { key, end }: KeyRange): Check {
  const range = { type: 'range' as const, key, ...(end !== undefined && { end }) };
  return (machine) => machine.assertMay(caller, range);
}

/** For a renewal, which keeps the lease's keys alive. */
export function mayRenew(caller: Caller, id: LeaseId): Check {
  return ({ auth, keysOfLease }) => {
    const rights = auth.rightsOf(caller);
    if (rights !== undefined && !rights.isRoot) assertMayEnd(rights, keysOfLease(id));
  };
}

/** For being told what is left of a lease, and which keys live by it. */
export function maySeeLease(caller: Caller, id: LeaseId, keys: boolean): Check {
  return ({ auth, keysOfLease }) => {
    const rights = auth.rightsOf(caller);
    if (keys && rights !== undefined && !rights.isRoot) assertMaySee(rights, keysOfLease(id));
  };
}

/** For being told which leases there are. */
export function maySeeLeases(caller: Caller): Check {
  return ({ auth, lessor }) => {
    const rights = auth.rightsOf(caller);
    if (rights === undefined || rights.isRoot) return;
    for (const id of lessor.ids()) assertMaySee(rights, lessor.keys(id));
  };
}

/** For being told of a user: oneself, or anybody. */
export function maySeeUser(caller: Caller, name: string): Check {
  return ({ auth }) => {
    const rights = auth.rightsOf(caller);
    if (rights === undefined || rights.isRoot || (caller !== 'nobody' && caller.name === name)) return;
    throw new PermissionDeniedError('see other users');
  };
}

/** For being told of a role: one's own, or any. */
export function maySeeRole(caller: Caller, role: string): Check {
  return ({ auth }) => {
    const rights = auth.rightsOf(caller);
    if (rights === undefined || rights.isRoot) return;
    if (caller !== 'nobody' && auth.user(caller.name).roles.includes(role)) return;
    throw new PermissionDeniedError("see roles that are not the user's own");
  };
}
