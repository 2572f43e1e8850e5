import { join } from 'node:path/posix';
import { seededPrng } from '../../../base/prng.js';
import { EmbeddedStore } from '../../../embedded/embedded-store.js';
import type { MemberNetwork } from '../../../member/testing/member-network.js';
import { NodeClock } from '../../../member/testing/node-clock.js';
import type { Assembled } from '../../../server/assemble.js';
import type { Peers } from '../../../server/cluster.js';
import type { Platform } from '../../../server/platform.js';
import { resolveSettings } from '../../../server/settings.js';
import { type RunningMember, type StartOptions, startMemberOn } from '../../../server/start-member.js';
import type { ManualClock } from '../../manual-clock.js';
import { platformOnDisk } from '../../simulation/disk/platform-on-disk.js';
import { type DiskOperation, VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import { holdSyncs } from '../hold.js';

/** Where each member lives, on a disk of its own. */
export const DATA_DIR = '/data';

/** What a member of a cluster shares with the others. */
export interface Around {
  readonly clock: ManualClock;
  readonly network: MemberNetwork;
  readonly settings: StartOptions;
  /** Told of each member before its first turn. */
  readonly assembled: (node: Node, parts: Assembled) => void;
  /** Asked before each operation of a member's disk whether its power is cut. */
  readonly isCut: (node: Node, operation: DiskOperation) => boolean;
  /** The members of the cluster, as one who joins is told. */
  readonly members: (url: string) => Uint8Array | undefined;
}

/** One member of a cluster, over all its lives. */
export class Node {
  readonly name: string;
  readonly url: string;
  /** Known once it has begun; until then nobody's. */
  id = 0n;
  /** Whether it has ever begun. */
  hasBegun = false;
  disk = new VirtualDisk();
  running: RunningMember | undefined;
  readonly #around: Around;
  #clock: NodeClock;
  #lives = 0;
  #hasStopped = false;
  #whyStopped: Error | undefined;
  #store: EmbeddedStore | undefined;

  constructor(name: string, number: number, around: Around) {
    this.name = name;
    this.url = `http://10.0.0.${number}:2380`;
    this.#around = around;
    this.#clock = new NodeClock(around.clock);
  }

  get store(): EmbeddedStore {
    if (this.#store === undefined) throw new Error(`${this.name} does not run`, { cause: this.#whyStopped });
    return this.#store;
  }

  get member() {
    return this.store && (this.running as RunningMember).member;
  }

  /** Whether its process runs, and has begun to serve or will. */
  get isAlive(): boolean {
    return this.#lives > 0 && !this.#clock.isKilled;
  }

  /** Whether it has ended by itself. */
  get hasStopped(): boolean {
    return this.#hasStopped;
  }

  get leads(): boolean {
    return this.running !== undefined && this.running.member.leader === this.id;
  }

  /** Starts it by the product's own path. Resolves when it serves, for which the others must be there. */
  async start(peers: Peers, options: StartOptions = {}): Promise<void> {
    this.#lives += 1;
    const clock = (this.#clock = new NodeClock(this.#around.clock));
    this.disk.fault = (operation) => {
      if (clock.isKilled || !this.#around.isCut(this, operation)) return undefined;
      this.end();
      return 'power cut';
    };
    const all = {
      ...this.#around.settings,
      name: this.name,
      peers,
      ...options,
      clock,
      prng: seededPrng(this.#lives * 100 + Number(this.url.at(-6))),
    };
    const running = await startMemberOn(this.#platform(clock), { dataDir: DATA_DIR }, all);
    if (clock.isKilled) return;
    this.running = running;
    void running.member.stopped.then((failure) => {
      if (this.running !== running) return;
      this.#hasStopped = true;
      this.#whyStopped = failure;
      this.end();
    });
    this.#store = new EmbeddedStore(running, resolveSettings(all));
  }

  /** As {@link holdSyncs}, of a folder of the member in its present life. */
  holdSyncs(folder: string): () => void {
    const clock = this.#clock;
    return holdSyncs(this.disk, join(DATA_DIR, folder), () => clock.isKilled);
  }

  /** Ends it in an orderly way; the clock must be turned. */
  async stop(): Promise<void> {
    await this.running?.close();
    this.end();
  }

  /** Ends its process on the spot. What it wrote is still there, synced or not. */
  kill(): void {
    // What is still under way writes to the disk that is left behind.
    this.disk = this.disk.afterKill();
    this.end();
  }

  /** Ends its process, and leaves its disk alone. */
  end(): void {
    this.#clock.kill();
    this.#around.network.leave(this.id);
    this.running = undefined;
    this.#store = undefined;
  }

  #platform(clock: NodeClock): Platform {
    const { network, assembled, members } = this.#around;
    return {
      ...platformOnDisk(this.disk),
      startPeers: async ({ greeting, handler }) => {
        this.id = greeting.memberId;
        this.hasBegun = true;
        return network.join(greeting, handler, clock);
      },
      queryMembers: async (url) => members(url) ?? Promise.reject(new Error(`nobody answers at ${url}`)),
      serve: () => Promise.reject(new Error('nobody listens to clients here')),
      assembled: (parts) => assembled(this, parts),
    };
  }
}
