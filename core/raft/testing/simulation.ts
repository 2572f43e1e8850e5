import { assert } from '../../base/assert.js';
import { toBytes } from '../../base/bytes.js';
import { CoordinationError } from '../../base/errors.js';
import { encodeConfiguration } from '../configuration.js';
import { isQuorum, isVoter, membersOf } from '../quorum.js';
import {
  type Configuration,
  type Entry,
  INITIAL_HARD_STATE,
  type InstallSnapshotRequest,
  type MemberId,
  type Message,
} from '../types.js';
import { Dice } from './dice.js';
import { drawFaults, type Faults, NO_FAULTS, strangersSay } from './faults.js';
import { Safety } from './safety.js';
import { type MachineState, SimulatedDisk } from './simulated-disk.js';
import { SimulatedMember } from './simulated-member.js';

const ELECTION_TICKS = 10;
const HEARTBEAT_TICKS = 2;
/** What is under way beyond this is lost. */
const MESSAGES_MAX = 400;
const MEMBERS_MAX = 6;

type Transfer = { readonly announcement: InstallSnapshotRequest; readonly machine: MachineState };
type AskedRead = { readonly context: number; readonly askedAtCommitIndex: number };

/** Members, a network and disks that do everything that they may do, by a seed. {@link Safety} watches. */
export class Simulation {
  readonly members = new Map<MemberId, SimulatedMember>();
  readonly #safety = new Safety(this.members);
  readonly #dice: Dice;
  #faults: Faults;
  readonly #limits: object;
  #network: Message[] = [];
  #snapshots: Transfer[] = [];
  /** Links that are cut, each in one direction. */
  readonly #cuts = new Set<string>();
  readonly #stuck = new Set<MemberId>();
  /** Members whose process stands still; what they are sent waits for them. */
  readonly #paused = new Set<MemberId>();
  readonly #reads = new Map<MemberId, AskedRead[]>();
  #lastContext = 0;
  #lastCommand = 0;
  #lastId: MemberId;
  /** Who does not get well when all others do; or two, of whom neither does if the other one leads. */
  #cutOff: readonly MemberId[] = [];
  /** For whoever wants to know whether a run meant anything. */
  readonly counts = { leaders: 0, commits: 0, reads: 0, changes: 0, snapshots: 0, crashes: 0 };

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    this.#faults = drawFaults(this.#dice);
    this.#limits = {
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      uncommittedBytesMax: 60,
      appendBytesMax: this.#dice.between(1, 30),
      inflightMessagesMax: this.#dice.between(1, 4),
      inflightBytesMax: this.#dice.between(1, 60),
    };
    const voterCount = this.#dice.between(1, 5);
    this.#lastId = BigInt(voterCount);
    this.#bootstrap(Array.from({ length: voterCount }, (_, position) => BigInt(position + 1)));
  }

  /** Runs with faults. */
  run(rounds: number): void {
    for (let round = 0; round < rounds; round += 1) this.#round();
    this.counts.leaders = this.#safety.leaderCount;
    this.counts.commits = this.#safety.commitIndex;
  }

  /**
   * Ends all faults but perhaps one, which a majority can live with, and sees to it that the others come together: a
   * leader, no change half done, everything that was proposed applied on all.
   */
  heal(roundsMax: number): void {
    this.#faults = NO_FAULTS;
    this.#cuts.clear();
    this.#stuck.clear();
    this.#paused.clear();
    for (const member of this.members.values()) if (member.raft === undefined) member.start();
    if (this.#dice.chance(0.7)) this.#leaveOneIll();
    let settledRounds = 0;
    for (let round = 0; round < roundsMax; round += 1) {
      this.#calmRound();
      settledRounds = this.#isSettled() ? settledRounds + 1 : 0;
      if (settledRounds > ELECTION_TICKS) return this.#endsWell();
    }
    throw new Error(`the members did not come together within ${roundsMax} rounds`);
  }

  /** One whom nobody needs stays down, or does not hear, or is not heard, or lacks one link. */
  #leaveOneIll(): void {
    const members = [...this.members.values()];
    const { id } = this.#dice.anyOf(members);
    const isNeeded = members.some(
      ({ raft, machine }) =>
        !isQuorum(raft!.configuration, (voter) => voter !== id) ||
        !isQuorum(machine.index === 0 ? raft!.configuration : machine.configuration, (voter) => voter !== id),
    );
    if (isNeeded && members.some(({ raft }) => isVoter(raft!.configuration, id))) return;
    const others = [...this.members.keys()].filter((other) => other !== id);
    const illness = this.#dice.anyOf(['down', 'deaf', 'mute', 'lacks a link'] as const);
    if (illness === 'down') this.members.get(id)!.crash({ appendCameThrough: true });
    this.#cutOff = illness === 'lacks a link' ? others.slice(0, 1).concat(id) : [id];
    for (const other of illness === 'lacks a link' ? others.slice(0, 1) : others) {
      if (illness !== 'mute') this.#cuts.add(`${other}>${id}`);
      if (illness !== 'deaf') this.#cuts.add(`${id}>${other}`);
    }
  }

  /** Every member in a line, for whoever looks for the reason of a failure. */
  describe(): string {
    return [...this.members.values()].map((member) => member.describe()).join('\n');
  }

  // --- A round with faults ----------------------------------------------------------------------------------------

  #round(): void {
    for (const member of this.members.values()) {
      if (this.#dice.chance(member.raft?.role === 'leader' ? this.#faults.churn : this.#faults.pause))
        this.#trouble(member);
      if (this.#dice.chance(0.05)) this.#paused.delete(member.id);
      if (this.#paused.has(member.id)) continue;
      if (this.#dice.chance(0.8)) member.raft?.tick();
      this.#safety.changed(member);
      this.#mischief(member);
      if (this.#dice.chance(0.8)) this.#drive(member);
      if (!this.#stuck.has(member.id) && this.#dice.chance(0.6)) this.#send(member.finishAppend());
      if (this.#dice.chance(0.7)) member.apply(this.#dice.between(1, 5));
      this.#use(member);
    }
    this.#deliver();
    this.#deliverSnapshots();
    this.#cutAndMend();
    this.#change();
  }

  /** What befalls one member. */
  #mischief(member: SimulatedMember): void {
    const { crash, stuckDisk, transfer, compact, nonsense } = this.#faults;
    if (member.raft === undefined) {
      if (this.#dice.chance(0.1)) member.start();
    } else if (this.#dice.chance(crash)) this.#crash(member);
    if (this.#dice.chance(stuckDisk)) this.#stuck.add(member.id);
    else if (this.#dice.chance(0.05)) this.#stuck.delete(member.id);
    if (this.#dice.chance(compact)) member.flush(member.machine.index - this.#dice.between(0, 3));
    if (this.#dice.chance(transfer)) {
      const to = this.#dice.anyOf([...this.members.keys()]);
      this.#try(() => member.raft?.transferLeadership(to));
    }
    if (this.#dice.chance(nonsense)) this.#talkNonsense(member);
    this.#safety.changed(member);
  }

  /** It stands still, or nobody hears it any more, or it gives up. */
  #trouble(member: SimulatedMember): void {
    const kind = this.#dice.between(1, 5);
    if (kind <= 2) this.#paused.add(member.id);
    if (kind === 3) this.#cutOffPartly(member.id, 1);
    if (kind === 4) this.#cutOffPartly(member.id, 0.6);
    if (kind === 5) member.raft?.stepDown();
    // Some notice at once, rightly or not.
    for (const other of this.members.values()) if (this.#dice.chance(0.5)) other.raft?.leaderGone(member.id);
  }

  #crash(member: SimulatedMember): void {
    this.counts.crashes += 1;
    member.crash({ appendCameThrough: this.#dice.chance(0.5) });
    this.#reads.delete(member.id);
    for (const other of this.members.values()) if (this.#dice.chance(0.5)) other.raft?.leaderGone(member.id);
  }

  /** What a driver may say that is not so, and what strangers say. */
  #talkNonsense({ id, raft }: SimulatedMember): void {
    if (raft === undefined) return;
    raft.reportUnreachable(this.#dice.anyOf([...this.members.keys()]));
    if (this.#dice.chance(0.3)) raft.stepDown();
    if (this.#dice.chance(0.3)) raft.leaderGone(this.#dice.anyOf([...this.members.keys()]));
    for (const message of strangersSay(id, raft.term, this.#dice)) raft.step(message);
  }

  /** What clients want of a member. */
  #use(member: SimulatedMember): void {
    const { raft } = member;
    if (raft === undefined) return;
    if (this.#dice.chance(0.5)) this.#try(() => raft.propose(toBytes(`c${(this.#lastCommand += 1)}`)));
    if (this.#dice.chance(0.2)) this.#askRead(member);
  }

  #askRead({ id, raft }: SimulatedMember): void {
    const read = { context: (this.#lastContext += 1), askedAtCommitIndex: this.#safety.commitIndex };
    if (!this.#try(() => raft?.readIndex(read.context))) return;
    const asked = this.#reads.get(id) ?? [];
    asked.push(read);
    this.#reads.set(id, asked.slice(-200));
  }

  #drive(member: SimulatedMember): void {
    const { messages, snapshotsWanted, readStates } = member.drive();
    this.#send(messages);
    for (const { context, index } of readStates) {
      const asked = (this.#reads.get(member.id) ?? []).find((read) => read.context === context);
      if (asked !== undefined) this.#safety.read({ index, askedAtCommitIndex: asked.askedAtCommitIndex });
      this.counts.reads += 1;
    }
    for (const to of snapshotsWanted) this.#takeSnapshot(member, to);
  }

  // --- The network ------------------------------------------------------------------------------------------------

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#dice.chance(this.#faults.loss)) continue;
      this.#network.push(message);
      if (this.#dice.chance(this.#faults.duplicate)) this.#network.push(message);
    }
    if (this.#network.length > MESSAGES_MAX) this.#network = this.#network.slice(-MESSAGES_MAX);
  }

  /** Some of what is under way arrives, in an order by chance. */
  #deliver(): void {
    const underWay = this.#network;
    this.#network = [];
    const isReordered = this.#faults.late > 0;
    for (const message of isReordered ? this.#dice.shuffled(underWay) : underWay) {
      if (this.#dice.chance(this.#faults.late) || this.#paused.has(message.to)) this.#network.push(message);
      else if (!this.#cuts.has(`${message.from}>${message.to}`)) this.members.get(message.to)?.step(message);
    }
  }

  #takeSnapshot(member: SimulatedMember, to: MemberId): void {
    const { machine, raft, id } = member;
    const { index, term, configuration } = machine;
    const type = 'installSnapshot';
    const announcement = {
      type,
      from: id,
      to,
      term: raft!.term,
      lastIndex: index,
      lastTerm: term,
      configuration,
    } as const;
    this.#snapshots.push({ announcement, machine });
  }

  #deliverSnapshots(): void {
    const underWay = this.#snapshots;
    this.#snapshots = [];
    for (const transfer of underWay) {
      const { announcement, machine } = transfer;
      const { from, to } = announcement;
      if (this.#dice.chance(0.6)) this.#snapshots.push(transfer);
      else {
        const arrives = !this.#dice.chance(this.#faults.loss) && !this.#cuts.has(`${from}>${to}`);
        const receiver = this.members.get(to);
        if (arrives && receiver?.raft !== undefined && !this.#paused.has(to)) {
          this.counts.snapshots += 1;
          receiver.receive(announcement, machine);
        }
        this.members.get(from)?.raft?.reportSnapshot(to, arrives ? 'installed' : 'failed');
      }
    }
  }

  #cutAndMend(): void {
    if (this.#dice.chance(this.#faults.cut)) this.#cutOffPartly(this.#dice.anyOf([...this.members.keys()]), 0.7);
    if (this.#dice.chance(0.05)) this.#cuts.clear();
  }

  #cutOffPartly(victim: MemberId, probability: number): void {
    for (const other of this.members.keys()) {
      if (this.#dice.chance(probability)) this.#cuts.add(`${victim}>${other}`);
      if (this.#dice.chance(probability)) this.#cuts.add(`${other}>${victim}`);
    }
  }

  // --- Members ----------------------------------------------------------------------------------------------------

  #bootstrap(voters: readonly MemberId[]): void {
    const data = encodeConfiguration({ voters, learners: [] }, toBytes('bootstrap'));
    const first: Entry = { index: 1, term: 1, kind: 'configuration', data };
    for (const id of voters) this.#add(id, new SimulatedDisk({ term: 1, votedFor: 0n, commitIndex: 1 }, [first]));
    this.#safety.bootstrapped(this.members.get(1n)!);
  }

  #add(id: MemberId, disk: SimulatedDisk): void {
    this.members.set(id, new SimulatedMember(id, disk, this.#safety, this.#limits));
  }

  /** Someone asks a leader for other members. */
  #change(): void {
    if (!this.#dice.chance(this.#faults.change)) return;
    const leader = [...this.members.values()].find(({ raft }) => raft?.role === 'leader');
    if (leader?.raft === undefined) return;
    const { raft } = leader;
    const wanted = this.#drawConfiguration(raft.configuration);
    if (!this.#try(() => raft.proposeConfiguration(wanted, toBytes('change')))) return;
    this.counts.changes += 1;
    for (const id of [...wanted.voters, ...wanted.learners])
      if (!this.members.has(id)) this.#add(id, new SimulatedDisk(INITIAL_HARD_STATE, []));
    this.#safety.changed(leader);
  }

  /** Any members that were never removed, and now and then a new one; each votes or learns. */
  #drawConfiguration(present: Configuration): Configuration {
    const ids = [...membersOf(present)].filter(() => this.#dice.chance(0.8));
    if (this.members.size < MEMBERS_MAX + 3 && this.#dice.chance(0.5)) ids.push((this.#lastId += 1n));
    const isLearner = new Map(ids.map((id) => [id, this.#dice.chance(present.voters.includes(id) ? 0.1 : 0.5)]));
    const voters = ids.filter((id) => !isLearner.get(id));
    const learners = ids.filter((id) => isLearner.get(id));
    return { voters, learners };
  }

  // --- After the faults -------------------------------------------------------------------------------------------

  #calmRound(): void {
    for (const member of this.members.values()) {
      member.raft?.tick();
      this.#safety.changed(member);
      this.#drive(member);
      if (!this.#stuck.has(member.id)) this.#network.push(...member.finishAppend());
      this.#drive(member);
      member.apply(Infinity);
    }
    const underWay = this.#network;
    this.#network = [];
    for (const message of underWay)
      if (!this.#cuts.has(`${message.from}>${message.to}`)) this.members.get(message.to)?.step(message);
    for (const { announcement, machine } of this.#snapshots.splice(0)) {
      const { from, to } = announcement;
      const arrives = !this.#cuts.has(`${from}>${to}`) && this.members.get(to)?.raft !== undefined;
      if (arrives) this.members.get(to)!.receive(announcement, machine);
      this.members.get(from)?.raft?.reportSnapshot(to, arrives ? 'installed' : 'failed');
    }
  }

  /** Those of a configuration who can follow this leader. */
  #followersOf(leader: SimulatedMember): readonly SimulatedMember[] {
    const [first, second] = this.#cutOff;
    const ill = second === undefined || second === leader.id ? first : first === leader.id ? second : undefined;
    const ids = [...membersOf(leader.raft!.configuration)].filter((id) => id !== ill);
    return ids.map((id) => this.members.get(id)!);
  }

  #isSettled(): boolean {
    const leader = this.#settledLeader;
    if (leader?.raft === undefined) return false;
    const { lastIndex } = leader.raft;
    return this.#followersOf(leader).every(({ machine }) => machine.index === lastIndex);
  }

  get #settledLeader(): SimulatedMember | undefined {
    const leaders = [...this.members.values()].filter(({ raft }) => raft?.role === 'leader');
    const [leader] = leaders.sort((a, b) => b.raft!.term - a.raft!.term);
    const { raft, disk } = leader ?? {};
    if (raft === undefined || raft.hasPendingConfiguration || raft.commitIndex < raft.lastIndex) return undefined;
    if (raft.transferee !== undefined) return undefined;
    return disk!.termAt(raft.lastIndex) === raft.term ? leader : undefined;
  }

  /** Once together, the members depose nobody whom they hear, and serve a write, and reads anywhere. */
  #endsWell(): void {
    const leader = this.#settledLeader as SimulatedMember;
    const { term } = leader.raft!;
    const members = this.#followersOf(leader);
    const isAnyoneLater = this.#cutOff.some((id) => this.members.get(id)!.disk.hardState.term > term);
    this.#calmRounds(4 * ELECTION_TICKS);
    for (const { raft } of members)
      assert(raft!.term === term && raft!.leader === leader.id, 'a leader that all hear stays');
    const { index } = leader.raft!.propose(toBytes('last'));
    const readsBefore = this.counts.reads;
    for (const member of members) this.#askRead(member);
    this.#calmRounds(2 * ELECTION_TICKS);
    for (const { machine } of members) assert(machine.index >= index, 'what is proposed is applied everywhere');
    assert(this.counts.reads >= readsBefore + members.length, 'reads are answered everywhere');
    if (!isAnyoneLater) this.#illComeBack(leader);
    this.#diskHangs();
  }

  /** Whoever was ill and in no later term than the others deposes nobody by coming back (Ongaro 2014, section 9.6). */
  #illComeBack(leader: SimulatedMember): void {
    const { term } = leader.raft!;
    this.#cuts.clear();
    for (const member of this.members.values()) if (member.raft === undefined) member.start();
    this.#calmRounds(4 * ELECTION_TICKS);
    assert(leader.raft!.role === 'leader' && leader.raft!.term === term, 'who comes back deposes nobody');
  }

  /** A leader whose disk hangs makes way, whoever comes after it. */
  #diskHangs(): void {
    const leader = this.#settledLeader;
    if (leader?.raft === undefined || leader.raft.isSoleVoter) return;
    this.#stuck.add(leader.id);
    leader.raft.propose(toBytes('stuck'));
    this.#calmRounds(4 * ELECTION_TICKS);
    assert(leader.raft.role !== 'leader', 'a leader whose disk hangs makes way');
  }

  #calmRounds(count: number): void {
    for (let round = 0; round < count; round += 1) this.#calmRound();
  }

  /** What a raft may refuse. Returns whether it did not. */
  #try(act: () => unknown): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (error instanceof CoordinationError) return false;
      throw error;
    }
  }
}
