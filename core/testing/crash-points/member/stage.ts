import { join } from 'node:path/posix';
import { seededPrng } from '../../../base/prng.js';
import { EmbeddedStore } from '../../../embedded/embedded-store.js';
import type { State } from '../../../member/state-store.js';
import type { Assembled } from '../../../server/assemble.js';
import type { Platform } from '../../../server/platform.js';
import { restoreSnapshotOn } from '../../../server/restore.js';
import { resolveSettings } from '../../../server/settings.js';
import { type RunningMember, type StartOptions, startMemberOn } from '../../../server/start-member.js';
import { ManualClock } from '../../manual-clock.js';
import { platformOnDisk } from '../../simulation/disk/platform-on-disk.js';
import type { DiskOperation, VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { holdSyncs } from '../hold.js';
import { Promises } from '../promises.js';
import { Record } from '../record.js';
import { SILENCE } from '../silence.js';
import { mustHold } from '../violation.js';

/** Where the member lives. */
export const DATA_DIR = '/data';

/** Who lives in a folder that was made of a backup. */
const RESTORED = {
  identity: { clusterId: 70n, memberId: 7n, incarnation: 77n },
  members: [{ id: 7n, name: 'restored', peerUrls: [], clientUrls: [], incarnation: 0n, isLearner: false }],
  configuration: { voters: [7n], learners: [] },
};

/** Small, so that a few writes are enough for a segment to be begun. */
const SETTINGS: StartOptions = { walSegmentBytes: 2_048 };

/** What was promised, and what the state was, before. */
export interface Known {
  readonly promises?: Promises;
  readonly record?: Record | undefined;
  /** Whether other runs are to be the same, operation by operation of the disk. */
  readonly isReference?: boolean;
}

/** A member that is alone, on a disk, and what is known of it. */
export class Stage {
  readonly clock = new ManualClock();
  readonly settings: StartOptions;
  promises: Promises;
  /** Absent: nobody looks at what it does. */
  record: Record | undefined;
  disk: VirtualDisk;
  /** Asked before each operation of the disk, over all lives of the member, whether the power is cut. */
  cutAt: (operation: DiskOperation) => boolean = () => false;
  isCut = false;
  operationCount = 0;
  readonly #seed: number;
  readonly #isReference: boolean;
  #running: RunningMember | undefined;
  #store: EmbeddedStore | undefined;
  #state: State | undefined;

  /**
   * @param seed - of the member's chance
   * @param settings - of the member, in all its lives
   * @param known - is gone on with
   */
  constructor(disk: VirtualDisk, seed: number, settings: StartOptions = {}, known: Known = {}) {
    this.#seed = seed;
    this.settings = { ...SETTINGS, ...settings };
    this.promises = known.promises?.copy() ?? new Promises();
    this.record = known.record?.copy();
    this.#isReference = known.isReference ?? false;
    this.disk = disk;
    this.#watchDisk();
  }

  /** The member's own face. */
  get store(): EmbeddedStore {
    mustHold(this.#store !== undefined, () => 'the member runs');
    return this.#store;
  }

  get running(): RunningMember {
    mustHold(this.#running !== undefined, () => 'the member runs');
    return this.#running;
  }

  /** The state in force as the member began. */
  get state(): State {
    mustHold(this.#state !== undefined, () => 'the member has begun');
    return this.#state;
  }

  /** What a member meets here. */
  get platform(): Platform {
    const nobody = () => Promise.reject(new Error('there is nobody else here'));
    return {
      ...platformOnDisk(this.disk),
      startPeers: async () => SILENCE,
      queryMembers: nobody,
      serve: nobody,
      assembled: (parts) => this.#assembled(parts),
    };
  }

  /** Starts the member by the product's own path. */
  async start(options: StartOptions = {}): Promise<void> {
    const all = {
      ...this.settings,
      ...options,
      clock: this.clock,
      prng: seededPrng(this.#seed + this.operationCount),
    };
    this.#running = await startMemberOn(this.platform, { dataDir: DATA_DIR }, all);
    this.#store = new EmbeddedStore(this.#running, resolveSettings(all));
    const { clusterId, memberId } = this.#running.member;
    this.promises.identity ??= { clusterId, memberId, incarnation: 0n };
    this.#answered();
  }

  /** Waits for an answer, which is a promise once it is there. */
  async answer<T>(work: Promise<T>): Promise<T> {
    const answer = await work;
    this.#answered();
    return answer;
  }

  /** Writes a key; a promise once it is answered. */
  put(key: string, value: string | Uint8Array, options: Parameters<EmbeddedStore['put']>[2] = {}) {
    return this.answer(this.store.put(key, value, options));
  }

  /** Makes a data folder of a backup; a promise once that is done. */
  async restore(file: string): Promise<void> {
    const { platform, clock } = this;
    const surroundings = { platform, clock, prng: seededPrng(this.#seed + this.operationCount) };
    const { index, revision } = await restoreSnapshotOn(surroundings, { file, dataDir: DATA_DIR, ...RESTORED });
    this.promises.identity ??= RESTORED.identity;
    this.promises.answered(index, revision);
  }

  /** Somebody else is to live here: nothing that was promised matters any more. */
  forget(): void {
    this.promises = new Promises();
    if (this.record !== undefined) this.record = new Record();
  }

  /** Takes over the disk of a member that lived elsewhere. */
  adopt(disk: VirtualDisk): void {
    this.disk = disk;
    this.#watchDisk();
  }

  /** As {@link holdSyncs}, of a folder of the member. */
  holdSyncs(folder: string): () => void {
    return holdSyncs(this.disk, join(DATA_DIR, folder), () => this.isCut);
  }

  /** Ends the member in an orderly way. */
  async close(): Promise<void> {
    await this.running.close();
    this.#running = undefined;
  }

  /** Ends its process on the spot. Nothing that it wrote is lost by that. */
  kill(): void {
    const left = this.disk.afterKill();
    this.disk.fault = () => undefined;
    this.disk = left;
    this.#watchDisk();
    this.#running = undefined;
  }

  #answered(): void {
    const { member } = this.running;
    this.promises.answered(member.appliedIndex, member.revision);
  }

  #watchDisk(): void {
    this.disk.fault = (operation) => {
      this.operationCount += 1;
      this.isCut ||= this.cutAt({ ...operation, number: this.operationCount - 1 });
      return this.isCut ? 'power cut' : undefined;
    };
  }

  /** What was read back must hold what was promised, and go on as it was before. */
  #assembled(parts: Assembled): void {
    const { identity, state, storedLog, hardState } = parts;
    const { promises, record } = this;
    this.#state = state;
    mustHold(
      promises.identity === undefined || promises.identity.memberId === identity.memberId,
      () => `the member is ${identity.memberId}, and was ${promises.identity?.memberId}`,
    );
    promises.check(hardState, storedLog);
    if (record === undefined) return;
    const last = record.agreesUpTo(storedLog, state.machine.appliedIndex);
    mustHold(
      last >= promises.index,
      () => `entries up to ${promises.index} were answered, and what is left agrees with them only up to ${last}`,
    );
    record.forgetAfter(last);
    if (this.#isReference) record.follow(state);
    else record.stepThrough(state, last);
  }
}
