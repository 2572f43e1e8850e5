import type { MemberId } from './types.js';

/** What a leader knows of another member. */
export interface FollowerProgress {
  readonly id: MemberId;
  /** The last entry that it is known to hold durably. */
  readonly matchedIndex: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** Whether it was heard from lately. */
  readonly isActive: boolean;
  readonly isLearner: boolean;
}
