import type { HoldCall, Operation } from '../history/operation.js';

/** Something that one at a time has, under a lease. Times are those of the history. */
export interface Hold {
  /** Of the holder; `undefined` if it was told to nobody. */
  readonly token: number | undefined;
  readonly isHeld: boolean;
  /** The greatest token so far. */
  readonly latestToken: number;
  /** The lease cannot have ended before. */
  readonly safeUntil: number;
  readonly ttl: number;
  /** What the holder said of itself. */
  readonly value: string | null;
  /** It is no earlier than this, for something has ended meanwhile. */
  readonly now: number;
}

export type HoldOperation = Operation & { readonly op: HoldCall['op'] };

/** Nobody has had it. */
export const FREE: Hold = {
  token: undefined,
  isHeld: false,
  latestToken: 0,
  safeUntil: 0,
  ttl: 0,
  value: null,
  now: -Infinity,
};

const HOLD_OPS = new Set<string>(
  Object.keys({ acquire: 0, renew: 0, release: 0, guarded: 0, observe: 0 } satisfies Record<HoldCall['op'], 0>),
);

export function isHoldOperation(operation: Operation): operation is HoldOperation {
  return HOLD_OPS.has(operation.op);
}

/**
 * What operations make of a hold. Its lease ends at any time later than its TTL after the call of the latest renewal that
 * was carried out; so that it has ended is possible only for an operation that returned later.
 *
 * @param slack - by how much the store's clock may run faster than that of the history, over one TTL
 */
export class HoldSteps {
  readonly #slack: number;

  constructor(slack: number) {
    this.#slack = slack;
  }

  step(hold: Hold, operation: HoldOperation): Hold | undefined {
    if (this.#latestTime(operation) < hold.now) return undefined;
    switch (operation.op) {
      case 'acquire':
        return this.#acquire(hold, operation);
      case 'renew':
        return this.#byHolder(hold, operation, (held) => ({
          ...held,
          safeUntil: Math.max(held.safeUntil, operation.call + held.ttl),
        }));
      case 'release':
        return this.#byHolder(hold, operation, freed);
      case 'guarded':
        return this.#byHolder(hold, operation, (held) => ({ ...held, value: operation.value ?? held.value }));
      case 'observe':
        return this.#observe(hold, operation);
    }
  }

  #acquire(hold: Hold, operation: HoldOperation & { op: 'acquire' }): Hold | undefined {
    const { token, ttl, result, outcome, value = null } = operation;
    if (result === false) return hold;
    const free = this.#ended(hold, operation);
    if (outcome === 'unknown') return free ? taken(free, { token: undefined, operation, ttl, value }) : hold;
    if (!free || (token !== undefined && token <= free.latestToken)) return undefined;
    return taken(free, { token, operation, ttl, value });
  }

  /** What only the holder can do: with the newest token, and only while it holds. */
  #byHolder(
    hold: Hold,
    operation: HoldOperation & { readonly token: number },
    done: (held: Hold) => Hold,
  ): Hold | undefined {
    const held = heldBy(hold, operation.token);
    if (operation.outcome === 'unknown') return held ? done(held) : hold;
    if (operation.result === false) return held ? this.#ended(held, operation) : hold;
    return held && done(held);
  }

  #observe(hold: Hold, { value, token, ...operation }: HoldOperation & { op: 'observe' }): Hold | undefined {
    if (value === null) return this.#ended(hold, operation);
    const held = token === undefined ? hold : heldBy(hold, token);
    if (!held?.isHeld) return undefined;
    return value === undefined || value === held.value ? held : undefined;
  }

  /** Free, if it is, or if its lease can have ended by the time of this operation. */
  #ended(hold: Hold, operation: HoldOperation): Hold | undefined {
    if (!hold.isHeld) return hold;
    const endsAt = hold.safeUntil - this.#slack;
    return this.#latestTime(operation) < endsAt ? undefined : { ...freed(hold), now: Math.max(hold.now, endsAt) };
  }

  #latestTime({ return: returned = Infinity }: HoldOperation): number {
    return returned;
  }
}

function taken(
  free: Hold,
  {
    token,
    operation,
    ttl,
    value,
  }: { token: number | undefined; operation: Operation; ttl: number; value: string | null },
): Hold {
  const latestToken = Math.max(free.latestToken, token ?? 0);
  return { ...free, token, isHeld: true, latestToken, ttl, value, safeUntil: operation.call + ttl };
}

function freed(hold: Hold): Hold {
  return { ...hold, isHeld: false, token: undefined, value: null, safeUntil: 0, ttl: 0 };
}

/** The same, if this token is, or can be, the holder's. */
function heldBy(hold: Hold, token: number): Hold | undefined {
  if (!hold.isHeld) return undefined;
  if (hold.token !== undefined) return hold.token === token ? hold : undefined;
  return token > hold.latestToken ? { ...hold, token, latestToken: token } : undefined;
}
