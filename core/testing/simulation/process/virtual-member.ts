import type { Prng } from '../../../base/prng.js';
import { ClosedError } from '../../../base/errors.js';
import { EmbeddedStore } from '../../../embedded/embedded-store.js';
import type { Machine } from '../../../machine/machine.js';
import type { Member } from '../../../member/member.js';
import type { Raft } from '../../../raft/raft.js';
import type { Assembled } from '../../../server/assemble.js';
import { resolveSettings } from '../../../server/settings.js';
import { type RunningMember, startMemberOn, type StartOptions } from '../../../server/start-member.js';
import type { Store } from '../../../store.js';
import type { DiskOperation } from '../disk/virtual-disk.js';
import { VirtualDisk } from '../disk/virtual-disk.js';
import type { Survival } from '../disk/survival.js';
import type { World } from '../world.js';
import { virtualPlatform } from './virtual-platform.js';
import { type Life, VirtualProcess } from './virtual-process.js';

const CLIENT_PORT = 2_379;
const PEER_PORT = 2_380;
const DATA_DIR = '/data';
/** What a sync takes at least, and what it takes beyond that on the average; all else on a disk takes next to nothing. */
const SYNC_MIN_MS = 0.2;
const SYNC_SPREAD_MS = 1;
const OPERATION_MS = 0.02;

/** How a member is started, beside what its world gives it. */
export type MemberOptions = Omit<StartOptions, 'listen' | 'clock' | 'logger' | 'prng' | 'signal' | 'name' | 'peerTls'>;

/** Where a member of this name listens for other members. */
export function peerUrlOf(name: string): string {
  return `http://${name}:${PEER_PORT}`;
}

/** Where a member of this name listens for clients. */
export function clientUrlOf(name: string): string {
  return `http://${name}:${CLIENT_PORT}`;
}

/** A member in a world: the whole of one, as `conclave serve` runs it, on a machine with a disk of its own. */
export class VirtualMember extends VirtualProcess {
  readonly disk = new VirtualDisk();
  /** Where clients find it. */
  readonly url: string;
  readonly peerUrl: string;
  /** May be changed while it is down. */
  options: MemberOptions;
  /** Known once it was put together for the first time. */
  id = 0n;
  /** While it serves. */
  member: Member | undefined;
  /** Of the present run, from before its first turn on. */
  raft: Raft | undefined;
  /** The one in force. */
  machine: Machine | undefined;
  /** Why the last run could not begin, or ended by itself. */
  whyStopped: Error | undefined;
  #state: 'down' | 'starting' | 'serving' = 'down';
  #running: RunningMember | undefined;
  /** Gives up a start. */
  #stopping = new AbortController();
  #isEnding = false;
  readonly #chance: Prng;

  /** For {@link World.addMember}. */
  constructor(world: World, name: string, lane: number, options: MemberOptions) {
    super(world, name, lane);
    this.options = options;
    this.url = clientUrlOf(name);
    this.peerUrl = peerUrlOf(name);
    this.#chance = world.chance(`disk of ${name}`);
    this.disk.onEffect = (kind) => world.effects.count(kind);
  }

  get state(): 'down' | 'starting' | 'serving' {
    return this.#state;
  }

  /** Whether it is being stopped in order, or has stopped by itself and closes what it has. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether it serves and leads. */
  get leads(): boolean {
    return this.member !== undefined && this.member.leader === this.id;
  }

  /**
   * Starts it on what its disk holds. Resolves when it serves, which in a cluster takes a leader, or when it was ended
   * from outside before it did.
   *
   * @throws why it cannot start; it is down again then
   */
  async start(): Promise<void> {
    const life = this.begin();
    this.whyStopped = undefined;
    this.#state = 'starting';
    this.#isEnding = false;
    this.world.trace.note('starts', this.name);
    this.disk.complete = (end, delayMs, operation) => this.#completeLater(life, end, delayMs, operation);
    const platform = virtualPlatform(this, life, (parts) => this.#assembled(parts));
    const { options, clock, logger, prng } = this;
    const stopping = new AbortController();
    this.#stopping = stopping;
    const surroundings = { name: this.name, listen: this.url, clock, logger, prng, signal: stopping.signal };
    const starting = startMemberOn(platform, { dataDir: DATA_DIR }, { ...options, ...surroundings });
    try {
      const running = await Promise.race([starting, life.ended]);
      if (running !== undefined && life.isAlive) this.#serves(running, life);
    } catch (error) {
      if (!life.isAlive) return;
      if (stopping.signal.aborted) return this.#goesDown('has stopped');
      this.#goesDown('could not start', error as Error);
      throw error;
    }
  }

  /**
   * Cuts the power of its machine: nothing more happens in it, nobody is told, and what was not synced is lost, kept, or
   * lost in parts.
   */
  crash(survival: 'all' | 'none' | Survival): void {
    this.isPowered = false;
    this.#goesDown('loses its power');
    this.disk.powerCut(survival === 'all' ? 'everything' : survival === 'none' ? 'nothing' : survival);
  }

  /** Ends the process alone, as by SIGKILL: the operating system closes its connections, and keeps what was written. */
  kill(): void {
    this.#goesDown('is killed');
  }

  /** Ends it in order, as by SIGTERM. One that does not serve yet gives up. */
  async stop(): Promise<void> {
    const life = this.life;
    if (life === undefined) return;
    this.world.trace.note('is stopped', this.name);
    this.#isEnding = true;
    this.#stopping.abort(new ClosedError('the member'));
    if (this.#running === undefined) return life.ended;
    await Promise.race([this.#running.close(), life.ended]);
    if (life.isAlive) this.#goesDown('has stopped');
  }

  /** Gives it an empty disk. Only while it is down. */
  wipe(): void {
    if (this.isRunning) throw new Error(`${this.name} runs on the disk that is to be wiped`);
    this.world.trace.note('has its disk wiped', this.name);
    this.disk.wipe();
  }

  /** A store in the member's own process. It is of no more use once the member has ended. */
  store(): Store {
    if (this.#running === undefined) throw new Error(`${this.name} does not serve`);
    return new EmbeddedStore(this.#running, { ...resolveSettings(this.options), origin: this.origin });
  }

  #assembled(parts: Assembled): void {
    const { stateStore } = parts;
    this.id = parts.identity.memberId;
    this.raft = parts.raft;
    this.machine = parts.state.machine;
    if (stateStore !== undefined) {
      const install = stateStore.install.bind(stateStore);
      stateStore.install = async (received, current) => {
        const state = await install(received, current);
        if (this.raft === parts.raft) this.machine = state.machine;
        return state;
      };
    }
    this.world.memberAssembled(this, parts);
  }

  #serves(running: RunningMember, life: Life): void {
    this.#running = running;
    // It was told to stop in the very moment in which it began to serve.
    if (this.#stopping.signal.aborted) return void this.stop();
    this.member = running.member;
    this.#state = 'serving';
    this.world.trace.note('serves', this.name);
    void running.member.stopped.then(async (why) => {
      if (why === undefined) return;
      this.#isEnding = true;
      // It closes what it has, as it would before its process ends.
      await running.close().catch(() => undefined);
      if (life.isAlive) this.#goesDown('stops by itself', why);
    });
  }

  #goesDown(how: string, why?: Error): void {
    const { life } = this;
    if (life === undefined) return;
    this.world.trace.note(how, this.name, why?.message);
    if (why !== undefined) this.whyStopped = why;
    this.end();
    this.#running = undefined;
    this.member = undefined;
    this.raft = undefined;
    this.machine = undefined;
    this.#state = 'down';
    this.world.network.ended(life);
    this.disk.ended();
    this.world.touched(this);
  }

  #completeLater(life: Life, end: () => void, delayMs: number, { name }: DiskOperation): void {
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const isSync = name === 'sync' || name === 'syncDirectory';
    const ownMs = isSync ? SYNC_MIN_MS + 2 * SYNC_SPREAD_MS * this.#chance.next() : OPERATION_MS;
    life.enterAfter(ownMs + delayMs, end);
  }
}
