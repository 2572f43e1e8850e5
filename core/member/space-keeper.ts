import { NoSpaceError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Alarms } from '../machine/alarms.js';
import { spaceCost } from '../machine/space-cost.js';
import type { AlarmCommand, Command } from '../machine/types.js';
import type { MemberId } from '../raft/types.js';

export interface SpaceKeeperParts {
  readonly memberId: MemberId;
  /** Bytes in use that the store may come to; below 0: as many as there are. */
  readonly quotaBytes: number;
  /** Bytes in use; undefined while the state is being replaced. */
  readonly usedBytes: () => number | undefined;
  /** As applied here. */
  readonly alarms: () => Alarms;
  readonly isMember: (id: MemberId) => boolean;
  /** Whether this member leads. */
  readonly leads: () => boolean;
  readonly propose: (command: AlarmCommand) => Promise<unknown>;
  readonly logger: Logger;
}

/** An alarm ends once so much of the quota is in use at most, so that it is not raised again by the next few writes. */
const END_AT = 0.9;
/** What was refused must fit, too; but not more than this part of the quota, or a huge request would keep the alarm up. */
const REFUSED_AT_MOST = 0.5;

/**
 * Keeps the store within its quota. What would make it too large is refused before it is proposed, and the alarm that there
 * is no space is raised through the log, so that all members refuse the same. The member whose store it is ends the alarm
 * by itself once keys were deleted and compacted: freed pages are used again, whatever size the file has.
 *
 * An alarm that somebody else raised is not touched.
 */
export class SpaceKeeper {
  readonly #parts: SpaceKeeperParts;
  readonly #limitBytes: number;
  #refusedBytes = 0;
  #looking: Promise<void> | undefined;

  constructor(parts: SpaceKeeperParts) {
    this.#parts = parts;
    this.#limitBytes = parts.quotaBytes < 0 ? Number.POSITIVE_INFINITY : parts.quotaBytes;
  }

  /**
   * Whether there is room for a command. If not, a promise that rejects once the alarm is raised, or cannot be.
   *
   * @throws {@link NoSpaceError} as a rejection
   */
  refuse(command: Command): Promise<never> | undefined {
    const bytes = spaceCost(command);
    if (bytes === 0 || (this.#parts.usedBytes() ?? 0) + bytes < this.#limitBytes) return undefined;
    this.#refusedBytes = Math.min(bytes, REFUSED_AT_MOST * this.#limitBytes);
    return this.look().then(() => {
      throw new NoSpaceError();
    });
  }

  /** Looks now and then, unless a look is under way. */
  sweep(): void {
    if (this.#looking === undefined) void this.look();
  }

  /** Raises or ends the alarm of this member, if it is time. Resolves when that is applied here, or failed. */
  async look(): Promise<void> {
    while (this.#looking !== undefined) await this.#looking;
    this.#looking = this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { usedBytes, alarms, memberId, logger } = this.#parts;
    const used = usedBytes();
    if (used === undefined) return;
    const needed = used + this.#refusedBytes;
    const known = alarms().find({ memberId, kind: 'NOSPACE' });
    try {
      if (needed >= this.#limitBytes) {
        if (known === undefined) await this.#change('raise', memberId);
      } else if (known?.endsItself && needed < END_AT * this.#limitBytes) {
        await this.#change('end', memberId);
        this.#refusedBytes = 0;
      } else if (known === undefined) this.#refusedBytes = 0;
      await this.#endOrphans();
    } catch (error) {
      logger.debug({ error }, 'the alarm for space could not be changed yet');
    }
  }

  /** Nobody else would end the alarm of a member that the cluster has removed. */
  async #endOrphans(): Promise<void> {
    const { alarms, isMember, leads } = this.#parts;
    if (!leads()) return;
    const orphans = alarms().raised.filter(({ endsItself, memberId }) => endsItself && !isMember(memberId));
    for (const { memberId } of orphans) await this.#change('end', memberId);
  }

  async #change(action: AlarmCommand['action'], memberId: MemberId): Promise<void> {
    const { propose, logger, quotaBytes } = this.#parts;
    await propose({ type: 'alarm', action, alarm: { memberId, kind: 'NOSPACE' }, endsItself: true });
    const member = memberId.toString(16);
    if (action === 'end') logger.info({ member }, 'there is space again: the alarm is ended');
    else logger.warn({ member, quotaBytes }, 'no space is left: nothing is taken that needs more');
  }
}
