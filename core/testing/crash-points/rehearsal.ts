import type { DiskOperation, VirtualDisk } from '../simulation/disk/virtual-disk.js';

/** Something short that a member goes through, and that a crash may interrupt at any operation of its disk. */
export interface Rehearsable {
  /** In a few words; unique. */
  readonly name: string;
  /** Goes through it once without a crash, for later runs to be compared with. */
  rehearse(): Promise<Rehearsal>;
}

export interface Rehearsal {
  /** Of the disk; each may be the one that is interrupted. */
  readonly operationCount: number;
  /** Goes through it again, up to this operation. */
  crashAt(at: number): Promise<Crash>;
}

/** What a crash has left. */
export interface Crash {
  /** Nothing has been decided yet of what was not synced. */
  readonly disk: VirtualDisk;
  /** During which operation it came. */
  readonly operation: DiskOperation;
  /**
   * Checks that the member recovers on what is left of its disk, and recovers as well if it crashes again meanwhile.
   *
   * @throws {@link Violation}, or whatever the member failed with
   */
  recover(disk: VirtualDisk): Promise<void>;
  /** Checks, at most once, that the member finds back to the others. @throws as `recover` */
  rejoin?(disk: VirtualDisk): Promise<void>;
}
