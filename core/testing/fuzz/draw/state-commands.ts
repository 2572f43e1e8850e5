import type { Command } from '../../../machine/types.js';
import type { Chance } from '../chance.js';
import { drawCommand } from './commands.js';
import { Requests } from './requests.js';

/** So few keys and leases that commands meet. */
const KEYS = ['a', 'aa', 'ab', 'b', 'b\0', 'c', '\xff'].map((text) => Buffer.from(text, 'latin1'));
const ENDS = [...KEYS, Buffer.of(0), Buffer.alloc(0)];
const LEASES = [1n, 2n, -3n];
const REVISION_MAX = 30;

/** Of the few keys and leases, at revisions that there may be. */
export const stateRequests = new Requests({
  key: (chance) => chance.pick(KEYS),
  end: (chance) => chance.pick(ENDS),
  value: (chance) => chance.bytes(20),
  lease: (chance) => chance.pick([0n, ...LEASES]),
  number: (chance) => chance.between(-1, REVISION_MAX),
});

/** A command that has something to do with those before it; now and then any other. */
export function drawStateCommand(chance: Chance): Command {
  switch (chance.between(0, 12)) {
    case 0:
      return { type: 'leaseGrant', id: chance.pick(LEASES), ttlSeconds: chance.oneIn(8) ? chance.integer() : 60 };
    case 1:
      return { type: 'leaseRevoke', id: chance.pick(LEASES) };
    case 2:
      return { type: 'compact', revision: chance.between(-1, REVISION_MAX) };
    case 3:
      return drawCommand(chance);
    case 4:
    case 5:
      return stateRequests.delete(chance);
    case 6:
    case 7:
    case 8:
      return stateRequests.txn(chance);
    default:
      return stateRequests.put(chance);
  }
}
