import { toBytes } from '../../base/bytes.js';
import { encodeConfiguration } from '../configuration.js';
import type { RaftOptions } from '../options.js';
import type { Raft } from '../raft.js';
import { type Entry, INITIAL_HARD_STATE, type MemberId, type Message } from '../types.js';
import { Safety } from './safety.js';
import { type MachineState, SimulatedDisk } from './simulated-disk.js';
import { SimulatedMember } from './simulated-member.js';
import { shown, shownConfiguration, shownMessage } from './shown.js';

type Link = readonly [from: MemberId, to: MemberId];

interface Seen {
  readonly role: string;
  readonly commitIndex: number;
  readonly configuration: string;
}

const TICKS_MAX = 100;
/** Messages that one delivery may set going; more is a conversation without an end. */
const MESSAGES_MAX = 2_000;

/**
 * A small network of members that does what it is told, step by step, and tells what comes of it. Disks are fast unless
 * they are held. Nothing is sent that was not asked for: messages wait until they are delivered.
 */
export class ScriptedCluster {
  readonly members = new Map<MemberId, SimulatedMember>();
  readonly #safety = new Safety(this.members);
  readonly #options: Partial<RaftOptions>;
  readonly #heldDisks = new Set<MemberId>();
  readonly #cuts = new Set<string>();
  readonly #seen = new Map<MemberId, Seen>();
  readonly #snapshots = new Map<MemberId, MachineState>();
  #waiting: Message[] = [];
  #told: string[] = [];

  constructor(voters: readonly MemberId[], options: Partial<RaftOptions> = {}) {
    this.#options = options;
    const data = encodeConfiguration({ voters, learners: [] }, toBytes(''));
    const first: Entry = { index: 1, term: 1, kind: 'configuration', data };
    for (const id of voters) this.#add(id, new SimulatedDisk({ term: 1, votedFor: 0n, commitIndex: 1 }, [first]));
    this.#safety.bootstrapped(this.member(voters[0]!));
    for (const id of voters) this.#carryOut(id);
    this.tell();
  }

  member(id: MemberId): SimulatedMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no member ${id}`);
    return member;
  }

  raft(id: MemberId): Raft {
    const { raft } = this.member(id);
    if (raft === undefined) throw new Error(`member ${id} is down`);
    return raft;
  }

  /** What has happened since it was last asked. */
  tell(): readonly string[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** Messages that wait to be delivered. */
  get waiting(): readonly Message[] {
    return this.#waiting;
  }

  /** Has a member do something, and carries out what follows for itself. */
  act<T>(id: MemberId, act: (raft: Raft) => T): T {
    try {
      return act(this.raft(id));
    } finally {
      this.#carryOut(id);
    }
  }

  tick(id: MemberId, count: number): void {
    for (let tick = 0; tick < count; tick += 1) this.act(id, (raft) => raft.tick());
  }

  /** Delivers what waits, and what follows from it, until nothing is under way between the members that are named. */
  deliver(link?: Link): void {
    for (let count = 0; count < MESSAGES_MAX; count += 1) {
      const at = this.#waiting.findIndex((message) => isOn(message, link));
      if (at < 0) return;
      const [message] = this.#waiting.splice(at, 1);
      this.#arrive(message as Message);
    }
    throw new Error('the members do not stop talking');
  }

  /** Delivers only what waits now. */
  deliverOnce(link?: Link): void {
    const now = this.#waiting.filter((message) => isOn(message, link));
    this.#waiting = this.#waiting.filter((message) => !isOn(message, link));
    for (const message of now) this.#arrive(message);
  }

  /** Delivers a message that may be old, or made up. */
  inject(message: Message): void {
    this.#arrive(message);
  }

  /** Loses what waits. */
  drop(link?: Link): void {
    for (const message of this.#waiting) if (isOn(message, link)) this.#told.push(`lost: ${shownMessage(message)}`);
    this.#waiting = this.#waiting.filter((message) => !isOn(message, link));
  }

  /** Nothing passes between two members, or between one and all others. */
  cut(a: MemberId, b?: MemberId): void {
    const others = b === undefined ? [...this.members.keys()].filter((id) => id !== a) : [b];
    for (const other of others) this.#cuts.add(`${a}>${other}`).add(`${other}>${a}`);
  }

  /** All links are whole again. */
  mend(): void {
    this.#cuts.clear();
  }

  holdDisk(id: MemberId): void {
    this.#heldDisks.add(id);
  }

  releaseDisk(id: MemberId): void {
    this.#heldDisks.delete(id);
    this.#carryOut(id);
  }

  crash(id: MemberId): void {
    this.member(id).crash({ appendCameThrough: false });
    this.#seen.delete(id);
    this.#waiting = this.#waiting.filter(({ from, to }) => from !== id && to !== id);
  }

  start(id: MemberId): void {
    this.member(id).start();
    this.#carryOut(id);
  }

  /** A member that has never run and knows nobody. */
  join(id: MemberId): void {
    this.#add(id, new SimulatedDisk(INITIAL_HARD_STATE, []));
    this.#carryOut(id);
  }

  /** Lets go of the log up to `index`, on the disk and in memory. */
  compact(id: MemberId, index: number): void {
    this.member(id).flush(index);
  }

  /** A member makes a snapshot of its present state for another one, to be sent later. */
  takeSnapshot(from: MemberId, to: MemberId): void {
    this.#snapshots.set(to, this.member(from).machine);
  }

  /** The snapshot that was made last for a member arrives there. */
  sendSnapshot(from: MemberId, to: MemberId): void {
    const machine = this.#snapshots.get(to) ?? this.member(from).machine;
    const { index: lastIndex, term: lastTerm, configuration } = machine;
    const { term } = this.raft(from);
    this.#told.push(`${from} → ${to} snapshot of ${lastIndex}/${lastTerm}`);
    this.member(to).receive({ type: 'installSnapshot', from, to, term, lastIndex, lastTerm, configuration }, machine);
    this.#carryOut(to);
  }

  /** The member hears nothing until it campaigns. */
  expire(id: MemberId): void {
    for (let tick = 0; tick < TICKS_MAX && this.raft(id).role === 'follower'; tick += 1) this.tick(id, 1);
  }

  /** The member campaigns, and those it can reach make it their leader. */
  elect(id: MemberId): void {
    this.expire(id);
    this.deliver();
  }

  /** As {@link elect}, where the others have not heard from a leader for an election timeout either. */
  electAfterSilence(id: MemberId): void {
    const { electionTicks = 10 } = this.#options;
    for (const { id: other, raft } of this.members.values())
      if (other !== id && raft?.role === 'follower') this.tick(other, electionTicks);
    this.#waiting = [];
    this.elect(id);
  }

  /** One line a member. */
  status(): readonly string[] {
    return [...this.members.values()].map(({ id, raft }) => {
      if (raft === undefined) return `${id} is down`;
      const { role, term, leader, firstIndex, lastIndex, commitIndex } = raft;
      const log = `log ${firstIndex} to ${lastIndex}, committed ${commitIndex}`;
      const progress = raft.progress().map((each) => `${each.id} ${each.state} ${each.matchedIndex}`);
      const known = progress.length > 0 ? `; ${progress.join(', ')}` : '';
      return `${id} ${role}, term ${term}, leader ${leader ?? 'none'}, ${log}${known}`;
    });
  }

  #add(id: MemberId, disk: SimulatedDisk): void {
    this.members.set(id, new SimulatedMember(id, disk, this.#safety, this.#options));
  }

  #arrive(message: Message): void {
    if (this.#cuts.has(`${message.from}>${message.to}`)) return;
    const member = this.members.get(message.to);
    if (member?.raft === undefined) return;
    this.#told.push(shownMessage(message));
    member.step(message);
    this.#carryOut(message.to);
  }

  /** Does what a member asks for, until it asks for nothing more. */
  #carryOut(id: MemberId): void {
    const member = this.member(id);
    while (member.raft?.hasReady() || (member.append !== undefined && !this.#heldDisks.has(id))) {
      this.#tellChanges(member);
      const { messages, snapshotsWanted, readStates } = member.drive();
      this.#waiting.push(...messages);
      for (const { context, index } of readStates) this.#told.push(`  ${id} reads ${context} at ${index}`);
      for (const to of snapshotsWanted) this.#told.push(`  ${id} wants a snapshot sent to ${to}`);
      for (const text of shown(member.toApply)) this.#told.push(`  ${id} applies ${text}`);
      member.apply(Infinity);
      if (!this.#heldDisks.has(id)) this.#waiting.push(...member.finishAppend());
    }
    this.#tellChanges(member);
  }

  #tellChanges({ id, raft }: SimulatedMember): void {
    if (raft === undefined) return;
    const { role, term, commitIndex } = raft;
    const configuration = shownConfiguration(raft.configuration);
    const seen = this.#seen.get(id);
    const now = { role: `${role} in term ${term}`, commitIndex, configuration };
    this.#seen.set(id, now);
    if (seen?.role !== now.role) this.#told.push(`  ${id} is ${now.role}`);
    if (seen !== undefined && seen.configuration !== configuration) this.#told.push(`  ${id} goes by ${configuration}`);
    if (seen !== undefined && seen.commitIndex !== commitIndex)
      this.#told.push(`  ${id} knows that ${commitIndex} is committed`);
  }
}

function isOn(message: Message, link: Link | undefined): boolean {
  return link === undefined || (message.from === link[0] && message.to === link[1]);
}
