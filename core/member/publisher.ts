import { type Clock, sleep } from '../base/clock.js';
import { CoordinationError, MemberRefusedError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Membership } from '../machine/membership.js';
import type { MemberPublishCommand } from '../machine/types.js';

export interface PublisherParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly membership: () => Membership;
  readonly propose: (command: MemberPublishCommand) => Promise<unknown>;
  /** What this member wants known of itself. */
  readonly self: Omit<MemberPublishCommand, 'type'>;
  readonly retryMs: number;
}

/** Lets the cluster know, through the log, what this member is called, where clients reach it, and which disk it has. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #stopping = new AbortController();
  #publishing: Promise<void> | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once the applied state says what it should, or the publisher was stopped. While the state does not know this
   * member yet, because it has still to catch up, that is waited for.
   *
   * @throws {@link MemberRefusedError} if the cluster knows this member with another disk
   */
  publish(): Promise<void> {
    this.#publishing ??= this.#publish().finally(() => (this.#publishing = undefined));
    return this.#publishing;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #publish(): Promise<void> {
    const { self, propose, logger, clock, retryMs } = this.#parts;
    while (!this.#isPublished() && !this.#stopping.signal.aborted) {
      if (this.#isKnown) {
        // A proposal whose outcome is unknown does no harm twice.
        const failed = await propose({ type: 'memberPublish', ...self }).then(() => undefined, asOperating);
        if (failed === undefined) continue;
        logger.debug({ reason: failed.message }, 'the member is not published yet');
      }
      await sleep(clock, retryMs, this.#stopping.signal).catch(() => undefined);
    }
  }

  get #isKnown(): boolean {
    return this.#parts.membership().member(this.#parts.self.id) !== undefined;
  }

  #isPublished(): boolean {
    const { membership, self } = this.#parts;
    const known = membership().member(self.id);
    if (known === undefined) return false;
    if (known.incarnation !== 0n && known.incarnation !== self.incarnation) {
      throw new MemberRefusedError(
        'memberWiped',
        'the cluster knows this member with another disk; replace the member',
      );
    }
    return (
      known.incarnation === self.incarnation &&
      known.name === self.name &&
      known.clientUrls.join() === self.clientUrls.join()
    );
  }
}

/** Passes a broken invariant on. */
function asOperating(error: unknown): CoordinationError {
  if (error instanceof CoordinationError) return error;
  throw error;
}
