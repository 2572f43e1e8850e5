import { CoordinationError } from '../../../base/errors.js';
import type { MemberInfo } from '../../../machine/types.js';
import type { Member } from '../../../member/member.js';
import { Dice } from '../../../raft/testing/dice.js';
import type { VirtualMember } from '../process/virtual-member.js';
import { isRepairable } from './atlas.js';
import type { Ground } from './ground.js';
import { leaderOf } from './victim.js';

/** How long the operator waits for an answer before something else is done. */
const PATIENCE_MS = 8_000;
const RETRY_MS = 400;
const TRIES_MAX = 40;
/** A cluster has room for no more than so many, whoever they are. */
const MEMBERS_MAX = 9;

/** What came of something that was asked of a member. */
export type Answer<T> = { readonly value: T } | { readonly code: string };

/** What the members are called that join one after the other, from 1 on. */
export function joinerName(number: number): string {
  return `j${number}`;
}

/** Who administers a cluster: changes its members, and replaces those that cannot come back. One thing at a time. */
export class Operator {
  readonly #ground: Ground;
  readonly #dice: Dice;
  /** Whoever was asked to be removed, or replaced: it may find itself removed. */
  readonly #unwanted = new Set<VirtualMember>();
  #turn: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;
  #addedCount = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#dice = new Dice(ground.world.chance('operator'));
  }

  /** Whether nothing is left to do. */
  get isIdle(): boolean {
    return this.#waitingCount === 0;
  }

  mayBeRemoved(member: VirtualMember): boolean {
    return this.#unwanted.has(member);
  }

  /** Asks the leader, or whoever serves; nobody: `NOBODY`. */
  async ask<T>(call: (face: Member, host: VirtualMember) => Promise<T>): Promise<Answer<T>> {
    const { world } = this.#ground;
    const serving = world.members.filter(({ state, isPaused }) => state === 'serving' && !isPaused);
    const leader = leaderOf(world);
    const host = leader !== undefined && serving.includes(leader) ? leader : serving.at(0);
    if (host?.member === undefined) return { code: 'NOBODY' };
    return this.patiently(call(host.member, host));
  }

  /** Does not wait for ever for a member that may have died. */
  patiently<T>(work: Promise<T>, patienceMs = PATIENCE_MS): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      const timer = this.#ground.world.scheduler.after(patienceMs, () => resolve({ code: 'NO_ANSWER' }));
      const fail = (error: Error) => {
        timer.cancel();
        if (error instanceof CoordinationError) resolve({ code: error.code });
        else reject(error);
      };
      work.then((value) => {
        timer.cancel();
        resolve({ value });
      }, fail);
    });
  }

  /** One change of the members after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waitingCount += 1;
    const done = this.#turn.then(work).finally(() => (this.#waitingCount -= 1));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Adds a member and starts it. @returns whether it was added, as far as is known */
  async add(options: { readonly isLearner: boolean; readonly replaces?: bigint }): Promise<boolean> {
    const { world, keeper } = this.#ground;
    if (world.members.filter((member) => !keeper.isOut(member)).length >= MEMBERS_MAX) return false;
    this.#addedCount += 1;
    const added = this.#ground.addJoiner(joinerName(this.#addedCount));
    keeper.hold(added);
    const answer = await this.ask((face) => face.memberAdd({ peerUrls: [added.peerUrl], ...options }));
    // Where the answer was lost it may have been added, or be added yet; then it has to be there.
    if ('value' in answer || isUnknown(answer.code)) keeper.release(added);
    else keeper.giveUp(added);
    return 'value' in answer;
  }

  /** Removes a member, if those that are left can do without. @returns whether that was done */
  async remove(member: VirtualMember): Promise<boolean> {
    if (!this.#isDispensable(member)) return false;
    this.#unwanted.add(member);
    const answer = await this.ask((face) => face.memberRemove(member.id));
    return 'value' in answer || answer.code === 'MEMBER_NOT_FOUND';
  }

  async promote(member: VirtualMember): Promise<boolean> {
    return 'value' in (await this.ask((face) => face.memberPromote(member.id)));
  }

  /** Puts a new member in the place of one that cannot come back. */
  replaceLater(member: VirtualMember): void {
    this.#unwanted.add(member);
    void this.inTurn(() => this.#replace(member));
  }

  /** Puts a new member in the place of one that is well. */
  async replace(member: VirtualMember): Promise<boolean> {
    if (!this.#isDispensable(member)) return false;
    this.#unwanted.add(member);
    return this.add({ isLearner: true, replaces: member.id });
  }

  async #replace(member: VirtualMember): Promise<void> {
    const { world, atlas } = this.#ground;
    const inOneStep = this.#dice.chance(0.5);
    let isAsked = false;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const members = await this.#members();
      const old = members?.find(({ id }) => id === member.id);
      if (members !== undefined && old === undefined) {
        atlas.replaced(member);
        if (!inOneStep) await this.add({ isLearner: false });
        return;
      }
      if (old !== undefined && (old.isLearner || !inOneStep)) await this.remove(member);
      else if (old !== undefined && !isAsked) isAsked = await this.add({ isLearner: true, replaces: member.id });
      const successor = members?.find(({ replaces }) => replaces === member.id);
      if (successor !== undefined) await this.ask((face) => face.memberPromote(successor.id));
      await world.scheduler.sleep(RETRY_MS);
    }
  }

  /** As a majority has them now. */
  async #members(): Promise<readonly MemberInfo[] | undefined> {
    const answer = await this.ask((face) => face.members({ linearizable: true }));
    return 'value' in answer ? answer.value : undefined;
  }

  /** What is damaged elsewhere must not need this one. */
  #isDispensable(member: VirtualMember): boolean {
    const { world, atlas } = this.#ground;
    const configuration = leaderOf(world)?.raft?.configuration;
    if (configuration === undefined) return false;
    const others = (ids: readonly bigint[]) => ids.filter((id) => id !== member.id);
    const [voters, learners] = [others(configuration.voters), others(configuration.learners)];
    const damaged = new Set(others([...atlas.damaged].map(({ id }) => id)));
    return voters.length > 0 && isRepairable({ voters, learners }, damaged);
  }
}

function isUnknown(code: string): boolean {
  return (
    code === 'NO_ANSWER' ||
    code === 'OUTCOME_UNKNOWN' ||
    code === 'TIMEOUT' ||
    code === 'MEMBER_STOPPED' ||
    code === 'CLOSED'
  );
}
