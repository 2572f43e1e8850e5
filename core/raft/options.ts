import { InvalidArgumentError } from '../base/errors.js';
import type { Prng } from '../base/prng.js';
import { type Configuration, type HardState, type MemberId, NO_MEMBER, type StoredLog } from './types.js';

/** What a {@link Raft} starts from. */
export interface RaftOptions {
  readonly id: MemberId;
  /** Draws election timeouts, so that members do not campaign in step (Ongaro 2014, section 3.4). */
  readonly prng: Prng;
  /** Ticks without a leader after which an election begins: between this and twice as many. A sole voter never waits. */
  readonly electionTicks: number;
  /** Ticks between a leader's heartbeats to its followers; below `electionTicks`. */
  readonly heartbeatTicks: number;
  /** As last made durable; {@link INITIAL_HARD_STATE} for a member that has never run. */
  readonly hardState: HardState;
  /** As last made durable; it reaches at least up to `appliedIndex`. */
  readonly log: StoredLog;
  /** The last entry that the state machine has applied, durably. */
  readonly appliedIndex: number;
  /**
   * In force at `appliedIndex`; later ones are read from the log. A member that has yet to be told who the others are has
   * nobody in it, itself neither: it waits for a leader.
   */
  readonly configuration: Configuration;
  /** Bytes of proposals that are not yet committed. A proposal that would exceed them is refused. */
  readonly uncommittedBytesMax: number;
  /** Bytes of entries in one message to a follower; a larger entry travels alone. */
  readonly appendBytesMax: number;
  /** Messages with entries that may be under way to one follower. */
  readonly inflightMessagesMax: number;
  /** Bytes of entries that may be under way to one follower; the message that reaches the limit is still sent. */
  readonly inflightBytesMax: number;
}

/** @throws {@link InvalidArgumentError} naming the option and its limit */
export function checkOptions(options: RaftOptions): void {
  const { id, electionTicks, heartbeatTicks } = options;
  check(id !== NO_MEMBER, 'id', id, 'other than 0');
  check(Number.isInteger(heartbeatTicks) && heartbeatTicks >= 1, 'heartbeatTicks', heartbeatTicks, 'at least 1');
  check(
    Number.isInteger(electionTicks) && electionTicks > heartbeatTicks,
    'electionTicks',
    electionTicks,
    `a whole number above heartbeatTicks, ${heartbeatTicks}`,
  );
  for (const field of LIMITS) check(options[field] >= 1, field, options[field], 'at least 1');
}

const LIMITS = ['uncommittedBytesMax', 'appendBytesMax', 'inflightMessagesMax', 'inflightBytesMax'] as const;

function check(holds: boolean, field: string, value: unknown, limit: string): void {
  if (!holds) throw new InvalidArgumentError(`raft.${field}`, value, limit);
}
