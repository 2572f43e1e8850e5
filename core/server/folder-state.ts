import type { Backend } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { UnavailableError } from '../base/errors.js';
import type { Machine } from '../machine/machine.js';
import type { ReceivedSnapshot, State, StateStore } from '../member/state-store.js';
import type { SnapshotPosition } from '../raft/types.js';
import {
  type InstalledPosition,
  readInstalledPosition,
  writeInstalledPosition,
} from '../snapshot/installed-position.js';
import { readSnapshot } from '../snapshot/read-snapshot.js';
import type { Disk } from '../wal/disk.js';
import { type DataFolder, orDataDirError } from './data-folder.js';
import { type EngineFolders, engineFolders, putInForce } from './engine-folders.js';
import { renameDurably } from './folders.js';
import type { Platform } from './platform.js';

export interface FolderStateOptions {
  readonly platform: Pick<Platform, 'openEngine'>;
  readonly clock: Clock;
  /** Bytes that were applied and are not yet in the engine, above which writers wait. */
  readonly overlayBytesMax: number;
  /** Opens the state machine over an engine; with `watch`, it takes that hub over. */
  readonly openMachine: (backend: Backend, watch?: Machine['watch']) => Machine;
}

const REPLACED = 'the state is just being replaced';

/** The state that a data folder holds, and where others are put in its place. */
export interface FolderState {
  /** The taker closes its backend. */
  readonly state: State;
  readonly store: StateStore;
  /**
   * The last entry of the snapshot that the state came from, if it came from one: what the log must be told when it is
   * opened.
   */
  readonly snapshot: InstalledPosition | undefined;
}

/**
 * Opens the state in a data folder.
 *
 * @throws {@link DataDirError} if the engine cannot be opened
 */
export async function openFolderState(folder: DataFolder, options: FolderStateOptions): Promise<FolderState> {
  const store = new FolderStateStore(folder, options);
  const backend = await store.openEngine(folder.dbPath);
  try {
    // The engine may just have made its files, whose names it leaves to others to make durable; and the log relies on them.
    await folder.disk.syncDirectory(folder.dbPath);
    const snapshot = readInstalledPosition(backend);
    return { state: { backend, machine: options.openMachine(backend) }, store, snapshot };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/**
 * Receives snapshots into a folder beside the engine's, and installs them by giving folders other names;
 * `docs/internals/snapshot-format.md` has the steps, and what a crash leaves at each.
 */
class FolderStateStore implements StateStore {
  readonly #disk: Disk;
  readonly #dataDir: string;
  readonly #folders: EngineFolders;
  readonly #options: FolderStateOptions;
  #received: ReceivedInFolder | undefined;
  #isReceiving = false;
  #defragmenting: Promise<void> | undefined;
  /** Gives up what is being defragmented. */
  #giveUp = new AbortController();

  constructor({ disk, path }: DataFolder, options: FolderStateOptions) {
    this.#disk = disk;
    this.#dataDir = path;
    this.#folders = engineFolders(path);
    this.#options = options;
  }

  async receive(chunks: AsyncIterable<Uint8Array>): Promise<ReceivedSnapshot> {
    assert(!this.#isReceiving, 'one snapshot is received at a time');
    this.#isReceiving = true;
    try {
      await this.#stopDefragmenting();
      await this.#received?.discard();
      this.#received = await orDataDirError(this.#dataDir, () => this.#receive(chunks));
      return this.#received;
    } finally {
      this.#isReceiving = false;
    }
  }

  async install(received: ReceivedSnapshot, current: State): Promise<State> {
    assert(
      this.#received !== undefined && received === this.#received,
      'what is installed was received last, and not discarded',
    );
    this.#received.take();
    await current.backend.close();
    return orDataDirError(this.#dataDir, async () => {
      await putInForce(this.#disk, this.#folders);
      const backend = await this.openEngine(this.#folders.current);
      return { backend, machine: this.#options.openMachine(backend, current.machine.watch) };
    });
  }

  defragment(current: State): Promise<void> {
    this.#defragmenting ??= orDataDirError(this.#dataDir, () => this.#defragment(current)).finally(
      () => (this.#defragmenting = undefined),
    );
    return this.#defragmenting;
  }

  openEngine(path: string): Promise<Backend> {
    const { platform, overlayBytesMax, clock } = this.#options;
    return platform.openEngine({ path, overlayBytesMax, clock });
  }

  async #receive(chunks: AsyncIterable<Uint8Array>): Promise<ReceivedInFolder> {
    const { receiving, incoming } = this.#folders;
    await this.#disk.removeTree(receiving);
    try {
      const position = await this.#fill(receiving, chunks);
      await this.#disk.syncDirectory(receiving);
      await renameDurably(this.#disk, receiving, incoming);
      return new ReceivedInFolder(position, this.#disk, incoming, () => (this.#received = undefined));
    } catch (error) {
      await this.#disk.removeTree(receiving);
      throw error;
    }
  }

  async #defragment({ backend }: State): Promise<void> {
    if (this.#isReceiving || this.#received !== undefined) throw new UnavailableError(REPLACED);
    const { compacting, incoming, current } = this.#folders;
    this.#giveUp = new AbortController();
    try {
      await this.#disk.removeTree(compacting);
      await backend.defragment({
        path: compacting,
        signal: this.#giveUp.signal,
        putInForce: async () => {
          await this.#disk.syncDirectory(compacting);
          await renameDurably(this.#disk, compacting, incoming);
          await putInForce(this.#disk, this.#folders);
          return current;
        },
      });
    } catch (error) {
      await this.#disk.removeTree(compacting);
      throw error;
    }
  }

  /** What is about to be replaced need not be defragmented, and both would want the same folder in the end. */
  async #stopDefragmenting(): Promise<void> {
    this.#giveUp.abort(new UnavailableError(REPLACED));
    await this.#defragmenting?.catch(() => undefined);
  }

  /** Once this resolves, all of it is durable but the folder's names. */
  async #fill(path: string, chunks: AsyncIterable<Uint8Array>): Promise<SnapshotPosition> {
    const backend = await this.openEngine(path);
    try {
      const { position } = await readSnapshot(chunks, { backend });
      backend.write((batch) => writeInstalledPosition(batch, position));
      await backend.flush();
      return position;
    } finally {
      await backend.close();
    }
  }
}

class ReceivedInFolder implements ReceivedSnapshot {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #onGone: () => void;
  #isHere = true;

  constructor(
    readonly position: SnapshotPosition,
    disk: Disk,
    path: string,
    onGone: () => void,
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#onGone = onGone;
  }

  /** It is somebody else's now. */
  take(): void {
    this.#isHere = false;
    this.#onGone();
  }

  async discard(): Promise<void> {
    if (!this.#isHere) return;
    this.take();
    await this.#disk.removeTree(this.#path);
  }
}
