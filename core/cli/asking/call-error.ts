import { status } from '@grpc/grpc-js';

/** A member did not do what it was asked to; the message is its own text, or says why it could not be asked. */
export class CallError extends Error {
  constructor(
    readonly endpoint: string,
    /** Whether it is this member that cannot answer, while another one may. Nothing was done then. */
    readonly isOfThisMember: boolean,
    message: string,
    readonly code: status,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same may go well a little later, here or at another member. It may have been done all the same. */
  get isPassing(): boolean {
    return this.isOfThisMember || this.code === status.UNAVAILABLE || this.code === status.CANCELLED;
  }
}
