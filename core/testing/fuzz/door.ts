import type { status } from '@grpc/grpc-js';

/** With what a call was refused. */
export interface CallRefusal {
  readonly code: status;
  readonly details: string;
}

/** A call that is under way. */
export interface CallMade {
  /** How it ended: undefined if it went well. Never rejects. */
  readonly ended: Promise<CallRefusal | undefined>;
  /** Whether it goes on until it is cancelled. */
  readonly waits: boolean;
  cancel(): void;
}
