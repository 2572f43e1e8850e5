import { join } from 'node:path';
import { CONCLAVE, type MemberProgram } from '../../cluster/member-program.js';
import { compilePreload, type Preload, type PreloadName } from '../../cluster/preload/preload.js';
import { hasOwnMounts } from './own-mounts.js';
import { SmallDisk } from './small-disk.js';

const SMALL_DISK_BYTES = 256 * 1024 * 1024;

/** What some faults need; or why it cannot be had here. */
export class Equipment {
  readonly failingSync: Preload | string;
  readonly wrongClock: Preload | string;
  readonly #whyNoDisk: string | undefined;
  #disk: SmallDisk | undefined;

  private constructor(program: MemberProgram) {
    const isOurs = program === CONCLAVE;
    const preload = (name: PreloadName) => (isOurs ? compilePreload(name) : `${program.name} asks no C library`);
    this.failingSync = preload('failing-sync');
    this.wrongClock = preload('jumping-clock');
    const whyNoDisk = isOurs ? SmallDisk.whyNot() : `how ${program.name} ends on a full disk is its own affair`;
    // Should this process be killed, nobody else would unmount it.
    this.#whyNoDisk = whyNoDisk ?? (hasOwnMounts() ? undefined : 'this process has no mounts of its own');
  }

  static for(program: MemberProgram): Equipment {
    return new Equipment(program);
  }

  /** The variables with which a member is to be started. */
  envOf(member: string): Record<string, string> {
    const preloads = [this.failingSync, this.wrongClock].filter((one) => typeof one !== 'string');
    if (preloads.length === 0) return {};
    return {
      LD_PRELOAD: preloads.map(({ env }) => env['LD_PRELOAD']).join(':'),
      ...(typeof this.failingSync !== 'string' && { FAILING_SYNC: controlOf(this.failingSync, member) }),
      ...(typeof this.wrongClock !== 'string' && { JUMPING_CLOCK: controlOf(this.wrongClock, member) }),
    };
  }

  /** Where a member keeps its data: `m1` on a small disk, where there can be one. */
  dataDirOf(member: string, folder: string): string {
    if (member !== 'm1' || this.#whyNoDisk !== undefined) return join(folder, member);
    this.#disk = SmallDisk.mount(join(folder, 'small-disk'), SMALL_DISK_BYTES);
    return join(this.#disk.folder, member);
  }

  /** The small disk, once there is one; or why there is none. */
  get disk(): SmallDisk | string {
    return this.#disk ?? this.#whyNoDisk ?? 'no member is on a small disk';
  }

  /** Unmounts the small disk, so that its folder can be removed. */
  unmount(): void {
    this.#disk?.unmount();
    this.#disk = undefined;
  }

  async remove(): Promise<void> {
    this.unmount();
    for (const preload of [this.failingSync, this.wrongClock]) {
      if (typeof preload !== 'string') await preload.remove();
    }
  }
}

/** The file that tells one member's library what to do. */
export function controlOf({ controlFile }: Preload, member: string): string {
  return `${controlFile}-${member}`;
}
