import { toText } from '../../../base/bytes.js';
import { MemberNetwork } from '../../../member/testing/member-network.js';
import type { PeerMessage } from '../../../peer/types.js';
import type { Assembled } from '../../../server/assemble.js';
import type { StartOptions } from '../../../server/start-member.js';
import { ManualClock } from '../../manual-clock.js';
import type { DiskOperation } from '../../simulation/disk/virtual-disk.js';
import { Promises } from '../promises.js';
import type { Record } from '../record.js';
import { Violation } from '../violation.js';
import { Node } from './node.js';

/** The member that crashes. */
export const VICTIM = 'a';

const STEP_MS = 10;
/** Longer than elections and all that members retry take together. */
const PATIENCE_MS = 30_000;
/** How long the engines wait for company before they write. */
const FLUSH_MS = 100;

/** Small, so that a few writes are enough for a segment to be begun. */
export const SETTINGS: StartOptions = { walSegmentBytes: 2_048, heartbeatMs: 100, electionTimeoutMs: 500 };

/** Members in one process, on one clock that whoever plays turns. One of them is the victim. */
export class Cluster {
  readonly clock = new ManualClock();
  readonly network = new MemberNetwork(this.clock);
  /** What the victim has told others. */
  readonly promises = new Promises();
  /** What keys were given and answered, and what was tried after that. */
  readonly written = new Map<string, { readonly answered: string | undefined; readonly tried: string[] }>();
  /** Asked before each operation of the victim's disk. */
  cutAt: (operation: DiskOperation) => boolean = () => false;
  isCut = false;
  operationCount = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #record: Record | undefined;
  readonly #settings: StartOptions;
  #isOver = false;

  /** @param record - takes down what all members apply, which must be the same */
  constructor(settings: StartOptions = {}, record?: Record) {
    this.#settings = { ...SETTINGS, ...settings };
    this.#record = record;
    this.network.fate = (from, _, message) => this.#fate(from, message);
  }

  get victim(): Node {
    return this.node(VICTIM);
  }

  get nodes(): readonly Node[] {
    return [...this.#nodes.values()];
  }

  /** Where the members listen: all that have been named. */
  get peers(): { readonly [name: string]: string } {
    return Object.fromEntries(this.nodes.map(({ name, url }) => [name, url]));
  }

  /** A member; made, not started, when it is named for the first time. */
  node(name: string): Node {
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = new Node(name, this.#nodes.size + 1, {
        clock: this.clock,
        network: this.network,
        settings: this.#settings,
        assembled: (_, parts) => this.#assembled(parts),
        isCut: (of, operation) => of.name === VICTIM && this.#isCutNow(operation),
        members: (url) => this.#heard(this.nodes.find((each) => each.url === url)),
      });
      this.#nodes.set(name, node);
    }
    return node;
  }

  /** What somebody who joins is told of the members. */
  get told(): Uint8Array | undefined {
    return this.#heard(this.nodes.find(({ running, name }) => running !== undefined && name !== VICTIM));
  }

  /** Nobody plays any more: what is still under way ends. */
  over(): void {
    this.#isOver = true;
  }

  /** All ways are open again, and what is done from now on counts. */
  resume(): void {
    this.#isOver = false;
    this.network.heal();
    this.cutAt = () => false;
    this.isCut = false;
  }

  /** Turns the clock until something is so. */
  async until(what: string, condition: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    const fromMs = this.clock.now();
    while (!condition()) {
      if (this.#isOver) throw new Error('nobody plays any more');
      if (this.clock.now() - fromMs >= patienceMs) throw new Violation(`${what}: not within ${patienceMs} ms`);
      await this.clock.advance(STEP_MS);
    }
  }

  /** Turns the clock until it is done. */
  async done<T>(what: string, work: Promise<T>): Promise<T> {
    let isDone = false;
    const mark = () => void (isDone = true);
    work.then(mark, mark);
    await this.until(what, () => isDone);
    return work;
  }

  /** Starts the members of a cluster that begins, or those of them that do not run. */
  async start(...names: readonly string[]): Promise<void> {
    const nodes = names.map((name) => this.node(name));
    await this.done('the start', Promise.all(nodes.map((node) => node.start(this.peers))));
    await this.led();
  }

  /** Starts a member that was added to the cluster that runs. */
  async join(name: string): Promise<void> {
    await this.done('the start', this.node(name).start(this.peers, { initialState: 'existing' }));
  }

  /** Ends a member in an orderly way. */
  async stop(name: string): Promise<void> {
    await this.done('the end', this.node(name).stop());
    await this.led();
  }

  /** A member belongs to the cluster no more. */
  forget(name: string): void {
    this.node(name).end();
    this.#nodes.delete(name);
  }

  /** Somebody leads, and those who run know. */
  led(): Promise<void> {
    return this.until('a leader', () => {
      const running = this.nodes.filter(({ running: runs, id }) => runs !== undefined && !this.#isAway(id));
      const leaders = new Set(running.map((node) => node.running?.member.leader));
      return leaders.size === 1 && running.some(({ leads }) => leads);
    });
  }

  /** Lets this member lead. */
  async leadBy(name: string): Promise<void> {
    const to = this.node(name);
    const leader = () => this.nodes.find(({ leads }) => leads);
    for (let attempt = 0; attempt < 5 && !to.leads; attempt += 1) {
      const from = leader();
      await this.done(
        'the transfer',
        from === undefined ? this.led() : from.member.moveLeader(to.id).catch(() => undefined),
      );
      await this.led();
    }
    await this.until(`${name} leads`, () => to.leads);
  }

  /** Writes through a member. */
  async put(name: string, key: string, value: string): Promise<void> {
    await this.done('a write', this.begin(name, key, value));
  }

  /** Begins to write through a member; the clock must be turned. */
  async begin(name: string, key: string, value: string): Promise<void> {
    const { tried = [] } = this.written.get(key) ?? {};
    this.written.set(key, { answered: this.written.get(key)?.answered, tried: [...tried, value] });
    await this.node(name).store.put(key, value);
    this.written.set(key, { answered: value, tried: [] });
  }

  /** Writes several keys, one after the other. */
  async putAll(name: string, count: number, valueBytes = 40): Promise<void> {
    for (let i = 0; i < count; i += 1)
      await this.put(name, `k${i % 5}`, `${this.clock.now()}/${i}`.padEnd(valueBytes, '.'));
  }

  /** Lets the engines write. */
  async flush(): Promise<void> {
    const untilMs = this.clock.now() + FLUSH_MS + STEP_MS;
    await this.until('some time', () => this.clock.now() >= untilMs);
  }

  /** Cuts a member off from all others. */
  isolate(name: string): void {
    this.network.isolate(
      this.node(name).id,
      this.nodes.map(({ id }) => id),
    );
  }

  /** Everybody who runs has applied the same, and all that was committed. */
  async agreed(): Promise<void> {
    await this.led();
    await this.until('all have applied the same', () => {
      const applied = new Set(this.nodes.map(({ running }) => running?.member.appliedIndex).filter((index) => index));
      const leader = this.nodes.find(({ leads }) => leads)?.running?.member;
      return applied.size === 1 && leader?.raftIndex === leader?.appliedIndex;
    });
  }

  /** What was written and answered is there, or what was tried after it. @throws {@link Violation} */
  async checkWritten(name: string): Promise<void> {
    for (const [key, { answered, tried }] of this.written) {
      const read = await this.done('a read', this.node(name).store.get(key));
      const value = read && toText(read.value);
      if (value !== answered && !tried.includes(value as string)) {
        throw new Violation(`${key} is ${value} at ${name}, and was answered as ${answered}, tried as ${tried.join()}`);
      }
    }
  }

  /** Whether it runs, and is cut off from everybody else who does. */
  #isAway(id: bigint): boolean {
    const others = this.nodes.filter((node) => node.running !== undefined && node.id !== id);
    return others.length > 0 && others.every((other) => this.network.isCut(id, other.id));
  }

  #heard(node: Node | undefined): Uint8Array | undefined {
    return node?.running && this.network.station(node.id)?.handler.members();
  }

  #fate(from: bigint, message: PeerMessage): 'deliver' {
    if (from !== this.victim.id) return 'deliver';
    this.promises.identity ??= { clusterId: 0n, memberId: from, incarnation: 0n };
    this.promises.said(message);
    return 'deliver';
  }

  #assembled({ state }: Assembled): void {
    this.#record?.follow(state);
  }

  #isCutNow(operation: DiskOperation): boolean {
    this.operationCount += 1;
    this.isCut ||= this.cutAt({ ...operation, number: this.operationCount - 1 });
    return this.isCut;
  }
}
