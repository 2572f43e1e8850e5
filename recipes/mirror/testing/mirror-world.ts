import { toText } from '../../../core/base/bytes.js';
import { prefix } from '../../../core/base/key-range.js';
import { open } from '../../../core/embedded/open.js';
import type { Store } from '../../../core/store.js';
import { ManualClock, settle } from '../../../core/testing/manual-clock.js';
import type { MirrorDiff } from '../diff.js';
import { Mirror, type MirrorOptions } from '../mirror.js';
import { WaywardStore } from './wayward-store.js';

/** Mirrors of `m/` in an embedded store, and whatever may stand between them. */
export class MirrorWorld {
  readonly #mirrors: Mirror<string>[] = [];

  private constructor(
    readonly clock: ManualClock,
    readonly real: Store,
    readonly wayward: WaywardStore,
  ) {}

  static async open(): Promise<MirrorWorld> {
    const clock = new ManualClock();
    const real = await open({ memory: true }, { clock });
    return new MirrorWorld(clock, real, new WaywardStore(real));
  }

  mirror(options: Partial<MirrorOptions<string>> = {}): Mirror<string> {
    const mirror = new Mirror(this.wayward, {
      target: prefix('m/'),
      decode: ({ value }) => toText(value),
      ...options,
    });
    this.#mirrors.push(mirror);
    return mirror;
  }

  /** A mirror that has listed and watches. */
  async ready(options: Partial<MirrorOptions<string>> = {}): Promise<Mirror<string>> {
    const mirror = this.mirror(options);
    await mirror.ready();
    await settle();
    return mirror;
  }

  async close(): Promise<void> {
    for (const mirror of this.#mirrors) await mirror.close();
    await this.real.close();
  }
}

/** "key=value" of every entry. */
export const contents = (mirror: Mirror<string>) => mirror.entries().map(({ key, value }) => `${key}=${value}`);

/** Gathers what an observer is told, as text. */
export function recorded(mirror: Mirror<string>): string[] {
  const told: string[] = [];
  mirror.observe({
    diff: (diff) => told.push(...inWords(diff)),
    stale: () => told.push('stale'),
    live: () => told.push('live'),
    failed: () => told.push('failed'),
  });
  return told;
}

export function inWords(diff: MirrorDiff<string>): string[] {
  return diff.changes.map((change) => {
    const from = change.type === 'added' ? '' : change.previous.value;
    const to = change.type === 'removed' ? '' : change.current.value;
    return `${change.type} ${change.key} ${from}>${to}`;
  });
}
