import { CoordinationError } from '../../../base/errors.js';
import type { VirtualMember } from '../process/virtual-member.js';
import type { Ground } from './ground.js';

const LOOK_MS = 50;
const RESTART_MS = 300;

/** A member that ends for one of these reasons is started again, as a service manager does. */
const PASSING: ReadonlySet<string> = new Set([
  'CLOSED',
  'UNAVAILABLE',
  'NO_LEADER',
  'TIMEOUT',
  'OUTCOME_UNKNOWN',
  'LEADER_CHANGED',
  'TOO_MANY_REQUESTS',
  'PEER_QUERY',
]);
/** These only a disk can be the reason of: one that failed, or on which something was damaged. */
const OF_DISKS: ReadonlySet<string> = new Set([
  'LOG_FAILED',
  'LOG_DAMAGED',
  'DATA_DIR_UNREADABLE',
  'SNAPSHOT_DAMAGED',
  'EIO',
  'ENOSPC',
]);
/** After these it cannot come back with what is on its disk. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'LOG_DAMAGED',
  'DATA_DIR_UNREADABLE',
  'MEMBER_REFUSED',
  'MEMBER_DIVERGED',
  'SNAPSHOT_DAMAGED',
]);

/** Starts members that are down and should not be, and judges why they ended. */
export class Keeper {
  readonly #ground: Ground;
  readonly #holds = new Map<VirtualMember, number>();
  readonly #notBeforeMs = new Map<VirtualMember, number>();
  readonly #excused = new Set<VirtualMember>();
  readonly #judged = new WeakSet<Error>();
  readonly #out = new Set<VirtualMember>();
  #isStopped = false;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    this.#isStopped = true;
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

  /** It had, or will have, errors of its disk. */
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

  isHeld(member: VirtualMember): boolean {
    return (this.#holds.get(member) ?? 0) > 0;
  }

  readonly #look = (): void => {
    if (this.#isStopped) return;
    for (const member of this.#ground.world.members) this.#startIfDown(member);
    this.#ground.world.scheduler.after(LOOK_MS, this.#look);
  };

  #startIfDown(member: VirtualMember): void {
    if (member.state !== 'down' || this.#isStopped) return;
    if (member.whyStopped !== undefined) this.#judge(member, member.whyStopped);
    if (this.isOut(member) || this.isHeld(member)) return;
    const nowMs = this.#ground.world.scheduler.now();
    if (nowMs < (this.#notBeforeMs.get(member) ?? 0)) return;
    this.#notBeforeMs.set(member, nowMs + RESTART_MS);
    member.start().catch((error: unknown) => this.#judge(member, error as Error));
  }

  /** Whether it had a reason to end; if it had none, that is a violation. */
  #judge(member: VirtualMember, error: Error): void {
    if (this.#judged.has(error)) return;
    this.#judged.add(error);
    const { world, operator, atlas } = this.#ground;
    const code = codeOf(error);
    world.trace.note(`ended: ${code}`, member.name);
    this.#notBeforeMs.set(member, world.scheduler.now() + RESTART_MS);
    if (!this.#isExplained(member, code)) {
      return world.violation(
        `${member.name} ended or did not start, without a reason: ${error.stack ?? error.message}`,
      );
    }
    if (code === 'MEMBER_REMOVED') return this.giveUp(member);
    if (!FOR_GOOD.has(code)) return;
    this.giveUp(member);
    if (!atlas.isBoundless) operator.replaceLater(member);
  }

  #isExplained(member: VirtualMember, code: string): boolean {
    const { atlas, operator } = this.#ground;
    if (PASSING.has(code)) return true;
    if (code === 'MEMBER_REMOVED') return operator.mayBeRemoved(member);
    if (code === 'MEMBER_REFUSED') return atlas.isDamaged(member);
    if (code === 'LOG_FAILED' || code === 'EIO' || code === 'ENOSPC')
      return this.#excused.has(member) || atlas.isDamaged(member);
    return OF_DISKS.has(code) && atlas.isDamaged(member);
  }
}

function codeOf(error: Error): string {
  const { code } = error as Error & { readonly code?: unknown };
  return error instanceof CoordinationError ? error.code : typeof code === 'string' ? code : error.name;
}
