import type { VirtualMember } from '../process/virtual-member.js';
import { type End, endOf } from './ends.js';
import type { Ground } from './ground.js';

const LOOK_MS = 50;
const RESTART_MS = 300;
/** A disk that fails so often once something on it is damaged fails because of that. */
const FAILURES_MAX = 3;

/** After these a member cannot come back with what is on its disk. */
const FOR_GOOD: ReadonlySet<End> = new Set(['removed', 'refused', 'diverged', 'disk damaged']);

/** Starts members that are down and should not be, as a service manager does, and judges why they ended. */
export class Keeper {
  readonly #ground: Ground;
  readonly #holds = new Map<VirtualMember, number>();
  readonly #notBeforeMs = new Map<VirtualMember, number>();
  readonly #excused = new Set<VirtualMember>();
  readonly #judged = new WeakSet<Error>();
  readonly #out = new Set<VirtualMember>();
  readonly #failures = new Map<VirtualMember, number>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  start(): void {
    this.#look();
  }

  /** Leaves it down, when it goes down, until as many have released it as hold it. */
  hold(member: VirtualMember): void {
    this.#holds.set(member, (this.#holds.get(member) ?? 0) + 1);
  }

  release(member: VirtualMember): void {
    this.#holds.set(member, (this.#holds.get(member) ?? 1) - 1);
    this.#notBeforeMs.delete(member);
    this.#startIfDown(member);
  }

  isHeld(member: VirtualMember): boolean {
    return (this.#holds.get(member) ?? 0) > 0;
  }

  /** Operations of its disk fail, or will: that is a reason to end. */
  excuse(member: VirtualMember): void {
    this.#excused.add(member);
  }

  /** It never runs again. */
  giveUp(member: VirtualMember): void {
    this.#out.add(member);
  }

  /** Whether it never runs again: it was removed, or what it had is damaged. */
  isOut(member: VirtualMember): boolean {
    return this.#out.has(member);
  }

  readonly #look = (): void => {
    for (const member of this.#ground.world.members) this.#startIfDown(member);
    this.#ground.world.scheduler.after(LOOK_MS, this.#look);
  };

  #startIfDown(member: VirtualMember): void {
    if (member.state !== 'down') return;
    if (member.whyStopped !== undefined) this.#judge(member, member.whyStopped);
    if (this.isOut(member) || this.isHeld(member)) return;
    const nowMs = this.#ground.world.scheduler.now();
    if (nowMs < (this.#notBeforeMs.get(member) ?? 0)) return;
    this.#notBeforeMs.set(member, nowMs + RESTART_MS);
    this.#ground.tellOthers(member);
    member.start().catch((error: unknown) => this.#judge(member, error as Error));
  }

  /** Whether it had a reason to end; if it had none, that is a violation. */
  #judge(member: VirtualMember, error: Error): void {
    if (this.#judged.has(error)) return;
    this.#judged.add(error);
    const { world, operator, atlas } = this.#ground;
    const end = endOf(error);
    world.reached.note(`a member ended: ${end}`);
    this.#notBeforeMs.set(member, world.scheduler.now() + RESTART_MS);
    if (!this.#isExplained(member, end)) {
      return world.violation(`${member.name} ended or did not start (${end}): ${error.message}`, error);
    }
    if (!FOR_GOOD.has(end) && !this.#failsAgain(member, end)) return;
    this.giveUp(member);
    if (end !== 'removed' && !atlas.isBoundless) operator.replaceLater(member);
  }

  #failsAgain(member: VirtualMember, end: End): boolean {
    if (end !== 'disk failed' || !this.#ground.atlas.isDamaged(member)) return false;
    const failures = (this.#failures.get(member) ?? 0) + 1;
    this.#failures.set(member, failures);
    return failures > FAILURES_MAX;
  }

  #isExplained(member: VirtualMember, end: End): boolean {
    const { atlas, operator } = this.#ground;
    switch (end) {
      case 'passes':
        return true;
      case 'not yet a member':
        // Nor for those yet that have just been started themselves, and have not applied everything again.
        return member.options.initialState === 'existing';
      case 'removed':
        return operator.mayBeRemoved(member);
      case 'disk failed':
        return this.#excused.has(member) || atlas.isDamaged(member);
      case 'refused':
      case 'disk damaged':
        return atlas.isDamaged(member);
      case 'diverged':
      case 'unexplained':
        return false;
    }
  }
}
