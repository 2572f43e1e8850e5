import { type MemberOptions, type VirtualMember, peerUrlOf } from '../process/virtual-member.js';
import type { World } from '../world.js';
import { Atlas } from './atlas.js';
import { DiskConditions } from './disk-conditions.js';
import type { Fault } from './fault.js';
import { Keeper } from './keeper.js';
import { LinkConditions } from './link-conditions.js';
import { Operator } from './operator.js';
import { kindOf } from './plan.js';
import type { SeedOptions } from './seed-options.js';

/** What a fault that has struck came to. */
export interface Struck {
  readonly fault: Fault;
  readonly hadEffect: boolean;
}

/** A world on which faults fall, with those who keep it going meanwhile. */
export class Ground {
  readonly world: World;
  readonly options: SeedOptions;
  readonly links: LinkConditions;
  readonly disks = new DiskConditions();
  readonly atlas: Atlas;
  readonly keeper: Keeper;
  readonly operator: Operator;
  /** When everything heals at the latest. */
  readonly healsAtMs: number;
  readonly struck: Struck[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #lasting = new Set<() => void>();
  #isOver = false;

  /** @param healsAtMs - when everything heals at the latest */
  constructor(world: World, options: SeedOptions, healsAtMs = options.safetyMs) {
    this.world = world;
    this.options = options;
    this.links = new LinkConditions(world);
    this.atlas = new Atlas(world, options.mode === 'beyond disk');
    this.operator = new Operator(this);
    this.keeper = new Keeper(this);
    this.healsAtMs = healsAtMs;
  }

  /** Whether everything is to be well again. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves after so long, or when everything heals. */
  readonly last = (forMs: number): Promise<void> => {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#lasting.delete(end);
        resolve();
      };
      const timer = this.world.scheduler.after(forMs, end);
      this.#lasting.add(end);
    });
  };

  /** Lets these faults happen, each at its time. */
  schedule(faults: readonly Fault[]): void {
    for (const fault of faults) this.world.scheduler.at(fault.atMs, () => this.#strike(fault));
  }

  /** Faults that had an effect, by kind. */
  effective(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { fault, hadEffect } of this.struck) {
      if (hadEffect) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
    }
    return counts;
  }

  /** Ends every fault. Resolves when all of them are over. */
  async heal(): Promise<void> {
    this.#isOver = true;
    for (const end of [...this.#lasting]) end();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Lets faults strike again after everything was healed. */
  resume(): void {
    this.#isOver = false;
  }

  #strike(fault: Fault): void {
    if (this.#isOver) return;
    this.world.trace.note(`fault: ${fault.kind}`);
    const strike = kindOf(fault)
      .strike(fault, this)
      .then((hadEffect) => {
        this.struck.push({ fault, hadEffect });
        this.world.trace.note(`fault over: ${fault.kind}`, '', hadEffect ? 'had an effect' : 'without effect');
      })
      .catch((error: unknown) => this.world.violation(`the fault '${fault.kind}' failed: ${(error as Error).stack}`))
      .finally(() => this.#underWay.delete(strike));
    this.#underWay.add(strike);
  }

  /** A member that is not there yet, told of those that are. */
  addJoiner(name: string): VirtualMember {
    return this.addMember(name, { peers: this.#peersFor(name), initialState: 'existing' });
  }

  /** A member that joins and has not come so far is told who is there by now. */
  tellOthers(member: VirtualMember): void {
    if (member.options.initialState === 'existing')
      member.options = { ...member.options, peers: this.#peersFor(member.name) };
  }

  #peersFor(name: string): Record<string, string> {
    const names = this.world.members.filter((member) => !this.keeper.isOut(member)).map((member) => member.name);
    return Object.fromEntries([...names, name].map((each) => [each, peerUrlOf(each)]));
  }

  /** A member with the settings and the disk of this world. */
  addMember(name: string, options: MemberOptions): VirtualMember {
    const { settings, autoPromote, clockErrorMax } = this.options;
    const member = this.world.addMember(name, { ...settings, autoPromote, ...options });
    member.clockRate = 1 + (2 * this.world.chance(`clock of ${name}`).next() - 1) * clockErrorMax;
    return member;
  }

  /** From now on this member has a reason to stop, or not to start, because of its disk. */
  toleratesFailuresOf(member: VirtualMember): void {
    this.keeper.excuse(member);
  }
}
