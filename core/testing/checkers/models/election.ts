import type { Operation } from '../history/operation.js';
import type { Model } from '../search/model.js';
import { FREE, type Hold, HoldSteps, isHoldOperation } from './hold.js';
import { keyOfHold } from './lock.js';

/** Who leads, who has led and what they said, and how much of that each observer has seen. */
export interface Office {
  readonly hold: Hold;
  /** What leaders said, oldest first. */
  readonly past: readonly Said[];
  /** By observer who follows a watch: how far in the past it is. */
  readonly seen: Readonly<Record<string, number>>;
}

interface Said {
  readonly token: number | undefined;
  readonly value: string | null;
}

/**
 * An election: as a lock, of which the holder says something of itself (`acquire` and `guarded` have a `value`). Whoever
 * asks (`observe`) is told the leader of that moment. Whoever follows (`observe` with `isLate`) may learn it late, but
 * sees leaders in their order, each as it was at some time.
 *
 * @param slack - as that of {@link lock}
 */
export function election(slack = 0): Model<Office> {
  const steps = new HoldSteps(slack);
  return {
    name: 'election',
    initial: { hold: FREE, past: [], seen: {} },
    isRead: ({ op }) => op === 'observe',
    keyOf: ({ hold, past, seen }) => keyOfHold(hold) + JSON.stringify([past, Object.entries(seen).sort()]),
    partitionOf: (operation) => (isHoldOperation(operation) ? operation.key : undefined),
    step(office, operation) {
      if (!isHoldOperation(operation)) return undefined;
      if (operation.op === 'observe' && operation.isLate) return follow(office, operation);
      const hold = steps.step(office.hold, operation);
      return hold && withHold(office, hold);
    },
  };
}

function withHold(office: Office, hold: Hold): Office {
  const { token, value } = hold;
  const last = office.past.at(-1);
  const isNew = hold.isHeld && (!office.hold.isHeld || last?.token !== token || last?.value !== value);
  return { ...office, hold, past: isNew ? [...office.past, { token, value }] : office.past };
}

/** The earliest that fits leaves most to be seen later. */
function follow(office: Office, { client, token, value }: Operation & { op: 'observe' }): Office | undefined {
  const from = office.seen[client] ?? 0;
  const at = office.past.findIndex(
    (said, index) =>
      index >= from &&
      (token === undefined || said.token === undefined || said.token === token) &&
      (value === undefined || said.value === value),
  );
  return at < 0 ? undefined : { ...office, seen: { ...office.seen, [client]: at } };
}
