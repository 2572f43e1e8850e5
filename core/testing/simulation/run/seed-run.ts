import type { Fault } from '../faults/fault.js';
import { Ground } from '../faults/ground.js';
import { joinerName } from '../faults/operator.js';
import type { SeedOptions } from '../faults/seed-options.js';
import { peerUrlOf } from '../process/virtual-member.js';
import { type Invariants, watchInvariants } from '../invariants/watch-invariants.js';
import { Workload } from '../workload/workload.js';
import type { World } from '../world.js';
import { addedFault } from './added-faults.js';
import { Recovery } from './recovery.js';
import { isEventful } from './tally.js';

export interface SeedRunParts {
  readonly options: SeedOptions;
  readonly faults: readonly Fault[];
  /** Whether more may be added until enough has happened. */
  readonly mayAddFaults: boolean;
}

const START_PATIENCE_MS = 20_000;
const ADDED_MAX = 16;
/** Clients know where so many members would be that are added; so they go on when no member of the beginning is left. */
const LATER_MEMBERS = 6;
/** What is left of the time of faults after the last one. */
const AFTER_LAST_MS = 2_000;

/** What happens in the world of a seed, from its beginning to its end. */
export class SeedRun {
  readonly ground: Ground;
  readonly #world: World;
  readonly #parts: SeedRunParts;
  readonly #faults: Fault[];
  readonly #invariants: Invariants;
  #workload: Workload | undefined;

  constructor(world: World, parts: SeedRunParts) {
    this.#world = world;
    this.#parts = parts;
    this.#faults = [...parts.faults];
    const { mode, clockErrorMax } = parts.options;
    this.#invariants = watchInvariants(world, {
      fastestRate: 1 + clockErrorMax,
      toleratesEarlyLeases: mode === 'beyond clock',
      isBoundless: mode === 'beyond disk',
    });
    const lastMs = Math.max(0, ...parts.faults.map(({ atMs }) => atMs + AFTER_LAST_MS));
    this.ground = new Ground(world, parts.options, Math.max(parts.options.safetyMs, lastMs));
  }

  /** All that struck, or was to strike. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** What clients have done. */
  get operations(): number {
    return this.#workload?.operations ?? 0;
  }

  /** All of it. */
  async whole(): Promise<void> {
    const { mode } = this.#parts.options;
    await this.#begin();
    const workload = await this.#employ();
    await this.#disturb();
    // Of a cluster that has lost more than it can, nothing is asked but that it tells nothing wrong.
    if (mode === 'beyond disk') return this.#world.scheduler.sleep(AFTER_LAST_MS);
    await new Recovery(this.ground).run();
    await workload.stop();
    await workload.check();
    await this.#invariants.atRest();
  }

  async #begin(): Promise<void> {
    const { voterCount, learnerCount } = this.#parts.options;
    const names = Array.from({ length: voterCount }, (_, at) => `m${at + 1}`);
    const peers = Object.fromEntries(names.map((name) => [name, peerUrlOf(name)]));
    const members = names.map((name) => this.ground.addMember(name, { peers }));
    for (const member of members) void member.start();
    const { scheduler } = this.#world;
    await scheduler.until(
      () => members.every(({ state }) => state === 'serving'),
      START_PATIENCE_MS,
      'the first leader',
    );
    this.ground.keeper.start();
    const { operator } = this.ground;
    for (let added = 0; added < learnerCount; added += 1) void operator.inTurn(() => operator.add({ isLearner: true }));
  }

  async #employ(): Promise<Workload> {
    const { clientCount, keyCount, clientLimits, mode } = this.#parts.options;
    const laterMembers = Array.from({ length: LATER_MEMBERS }, (_, at) => joinerName(at + 1));
    const options = { ...clientLimits, laterMembers };
    for (let number = 1; number <= clientCount; number += 1) this.#world.addClient(`c${number}`, options);
    this.#workload = await Workload.start(this.#world, {
      invariants: this.#invariants,
      keyCount,
      toleratesEarlyLeases: mode === 'beyond clock',
    });
    return this.#workload;
  }

  async #disturb(): Promise<void> {
    const { ground } = this;
    const { scheduler } = this.#world;
    ground.schedule(this.#faults);
    await scheduler.sleep(ground.healsAtMs - scheduler.now());
    await ground.heal();
    for (let added = 0; this.#isTooCalm && added < ADDED_MAX; added += 1) await this.#add(added);
  }

  get #isTooCalm(): boolean {
    return this.#parts.mayAddFaults && !isEventful(this.ground.effective());
  }

  /** Something that has an effect for certain, sooner or later. */
  async #add(position: number): Promise<void> {
    const { scheduler } = this.#world;
    const fault = addedFault(position, scheduler.now());
    this.#faults.push(fault);
    this.ground.resume();
    this.ground.schedule([fault]);
    await scheduler.sleep(AFTER_LAST_MS);
    await this.ground.heal();
  }
}
