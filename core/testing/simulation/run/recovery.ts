import { toBytes } from '../../../base/bytes.js';
import { Dice } from '../../../raft/testing/dice.js';
import type { Ground } from '../faults/ground.js';
import { isolated } from '../faults/topologies.js';
import { isRunning, leaderOf } from '../faults/victim.js';
import type { VirtualMember } from '../process/virtual-member.js';

/** How long a cluster may take to come together, in election timeouts, and beside them for starting and connecting. */
const ELECTION_TIMEOUTS = 10;
const START_MS = 4_000;
/** Members that lag far behind are sent a snapshot, as slowly as the settings say. */
const CATCH_UP_MS = 20_000;
const WRITE_MS = 6_000;
const LEFT_ILL = 0.5;
/** In the place of one that an operator may be about to add. */
const NOT_STARTED = 0n;

/**
 * What must come after all faults have ended: first with a majority alone that is well, then with everybody. A leader is
 * found, writes are done, and all who are well have the same, each within a bound.
 */
export class Recovery {
  readonly #ground: Ground;
  readonly #dice: Dice;
  /** Nothing is expected of them, even if somebody who has joined since can be reached from there. */
  #ill: readonly VirtualMember[] = [];

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#dice = new Dice(ground.world.chance('recovery'));
  }

  /** @throws if something has not come in time */
  async run(): Promise<void> {
    const cure = await this.#leaveSomeIll();
    await this.#comesTogether('a majority that is well');
    cure();
    await this.#untilNothingIsLeftToDo();
    await this.#comesTogether('the whole cluster');
  }

  /** Some that a majority can do without stay cut off, or down. @returns makes them well */
  async #leaveSomeIll(): Promise<() => void> {
    const { world, links, keeper, options } = this.#ground;
    if (!this.#dice.chance(LEFT_ILL) || options.voterCount < 3) return () => undefined;
    const leaderMs = this.#boundMs;
    await world.scheduler.until(() => leaderOf(world) !== undefined, leaderMs, 'a leader to tell who votes');
    const ill = this.#dice.shuffled(this.#members()).filter(() => this.#dice.chance(0.5));
    const chosen: VirtualMember[] = [];
    for (const member of ill) if (this.#canDoWithout([...chosen, member])) chosen.push(member);
    const isDown = this.#dice.chance(0.5);
    const cures = chosen.map((member) => {
      if (!isDown)
        return links.impose(isolated([member, ...world.members.filter((other) => other !== member)], 'both'), {
          mode: 'cut',
        });
      keeper.hold(member);
      if (isRunning(member)) member.kill();
      return () => keeper.release(member);
    });
    for (const { name } of chosen) world.trace.note(isDown ? 'stays down' : 'stays cut off', name);
    this.#ill = chosen;
    return () => {
      this.#ill = [];
      cures.forEach((cure) => void cure());
    };
  }

  /** Everybody that the leader counts among the members, as far as it has been started. */
  #members(): readonly VirtualMember[] {
    const { world } = this.#ground;
    const configuration = leaderOf(world)?.raft?.configuration;
    if (configuration === undefined) return [];
    const ids = new Set([...configuration.voters, ...configuration.learners, ...(configuration.outgoing ?? [])]);
    return world.members.filter(({ id }) => ids.has(id));
  }

  #canDoWithout(ill: readonly VirtualMember[]): boolean {
    const { keeper, atlas } = this.#ground;
    const groups = this.#groups();
    const isWell = (member: VirtualMember) =>
      !ill.includes(member) && !keeper.isOut(member) && !atlas.isDamaged(member);
    const well = this.#members().filter(isWell);
    const ids = new Set(well.map(({ id }) => id));
    const suffices = (group: readonly bigint[]) => 2 * group.filter((id) => ids.has(id)).length > group.length;
    return groups.length > 0 && groups.every(suffices);
  }

  /**
   * All of which a majority must be well: those who vote, and those who will when a change that is under way has come about.
   * Its configuration is in force as soon as the leader has written it, even if it does not know yet that some are ill; from
   * then on nothing is done without a majority of both (Ongaro 2014, section 4.3).
   */
  #groups(): readonly (readonly bigint[])[] {
    const { world, operator } = this.#ground;
    const { raft, machine } = leaderOf(world) ?? {};
    if (raft === undefined || machine === undefined) return [];
    const { voters, learners, outgoing = voters } = raft.configuration;
    const withTheVoteOf = (learner: bigint) => {
      const replaced = machine.membership.member(learner)?.replaces;
      return [...voters.filter((voter) => voter !== replaced), learner];
    };
    const oneLess = voters.map((left) => voters.filter((voter) => voter !== left));
    const oneMore = [...voters, NOT_STARTED];
    return [voters, outgoing, ...learners.map(withTheVoteOf), ...(operator.isIdle ? [] : [...oneLess, oneMore])];
  }

  get #boundMs(): number {
    return ELECTION_TIMEOUTS * (this.#ground.options.settings.electionTimeoutMs ?? 1_000) + START_MS;
  }

  async #comesTogether(who: string): Promise<void> {
    await this.#until(() => this.#leads() !== undefined, this.#boundMs, `${who}: a leader`);
    await this.#writes(who);
    const index = this.#leads()?.raft?.commitIndex ?? 0;
    await this.#until(() => this.#haveApplied(index), CATCH_UP_MS + this.#boundMs, `${who}: entry ${index} on all`);
  }

  /** @throws with how everybody is, for whoever looks for the reason */
  async #until(isSo: () => boolean, patienceMs: number, what: string): Promise<void> {
    try {
      await this.#ground.world.scheduler.until(isSo, patienceMs, what);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#describe()}`, { cause: error });
    }
  }

  #describe(): string {
    const { world, keeper, atlas } = this.#ground;
    const lines = world.members.map((member) => {
      const { name, id, state, raft, machine } = member;
      const marks = [
        keeper.isOut(member) && 'out',
        keeper.isHeld(member) && 'held',
        atlas.isDamaged(member) && 'damaged',
      ];
      const role = raft === undefined ? '' : `${raft.role} of ${raft.leader?.toString(16)} in term ${raft.term}`;
      const log =
        raft === undefined
          ? ''
          : `log to ${raft.lastIndex}, committed ${raft.commitIndex}, applied ${machine?.appliedIndex}`;
      const voters = raft?.configuration.voters.map((voter) => voter.toString(16).slice(0, 4)).join();
      const learners = raft?.configuration.learners.map((learner) => learner.toString(16).slice(0, 4)).join();
      return [
        name,
        id.toString(16),
        state,
        role,
        log,
        `voters ${voters}, learners ${learners}`,
        ...marks.filter(Boolean),
      ].join('  ');
    });
    return lines.join('\n');
  }

  #leads(): VirtualMember | undefined {
    const leader = leaderOf(this.#ground.world);
    return leader?.state === 'serving' && this.#isToBeWell(leader) ? leader : undefined;
  }

  async #writes(who: string): Promise<void> {
    const { operator, world } = this.#ground;
    const untilMs = world.scheduler.now() + this.#boundMs + WRITE_MS;
    for (;;) {
      const answer = await operator.ask((face) =>
        face.put({ type: 'put', key: toBytes('well again'), value: toBytes(who) }),
      );
      if ('value' in answer) return;
      if (world.scheduler.now() > untilMs) {
        throw new Error(`${who}: nothing can be written (${answer.code})\n${this.#describe()}`);
      }
      await world.scheduler.sleep(100);
    }
  }

  #haveApplied(index: number): boolean {
    const members = this.#members().filter((member) => this.#isToBeWell(member));
    return (
      members.length > 0 &&
      members.every(({ state, machine }) => state === 'serving' && (machine?.appliedIndex ?? 0) >= index)
    );
  }

  /** Whether it is to be well. */
  #isToBeWell(member: VirtualMember): boolean {
    const { keeper } = this.#ground;
    return !keeper.isOut(member) && !keeper.isHeld(member) && !this.#ill.includes(member);
  }

  /** Replacements that were begun come to their end. */
  async #untilNothingIsLeftToDo(): Promise<void> {
    const { operator } = this.#ground;
    await this.#until(
      () => operator.isIdle,
      CATCH_UP_MS + 2 * this.#boundMs,
      'the changes of the members that were begun',
    );
  }
}
