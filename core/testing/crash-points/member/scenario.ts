import type { StartOptions } from '../../../server/start-member.js';
import type { Stage } from './stage.js';

/** Something short that a member goes through, and that a crash may interrupt at any operation of its disk. */
export interface Scenario {
  /** In a few words; unique. */
  readonly name: string;
  /** Of the member, in all its lives. */
  readonly settings?: StartOptions;
  /** Brings the member to where the scenario begins. Nothing goes wrong meanwhile. */
  readonly before?: (stage: Stage) => Promise<void>;
  /** What a crash may interrupt. */
  readonly act: (stage: Stage) => Promise<void>;
  /** How the member is started again after a crash. Default: as it always is. */
  readonly restart?: (stage: Stage) => Promise<void>;
}
