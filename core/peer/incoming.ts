import type { Socket } from 'node:net';
import type { InstallSnapshotRequest, MemberId } from '../raft/types.js';
import { readAnnouncement, readMessages } from './codec.js';
import { versionMismatch } from './dial.js';
import { encodeFrame, FRAME_HEADER_BYTES, KIND, PREAMBLE, PROTOCOL_VERSION } from './frame.js';
import { decodeHello, decodeRefused, encodeRefused, encodeVerdict, encodeWelcome, type Hello } from './greeting.js';
import { Link } from './link.js';
import type { Stranger } from './listener.js';
import { SnapshotReceiver } from './snapshot-receiver.js';
import { hex, type Surroundings } from './surroundings.js';
import type { Greeting, Refused } from './types.js';
import { MalformedError } from './wire-reader.js';

/** A connection over which another member sends to us. */
interface Connection {
  readonly link: Link;
  readonly greeting: Greeting;
}

/** Who hears what comes after the first frame of a connection. */
interface Hearer {
  hear(kind: number, body: Buffer): void;
  closed(why: string): void;
}

/** What becomes of the connections that others dial: they are greeted, refused or heard. */
export class Incoming {
  readonly #shared: Surroundings;
  readonly #connections = new Map<MemberId, Connection>();
  /** All that were accepted and are open. */
  readonly #links = new Set<Link>();
  /** Snapshots that the member has not done with. */
  readonly #receivers = new Map<MemberId, SnapshotReceiver>();

  constructor(shared: Surroundings) {
    this.#shared = shared;
  }

  /** Greets whoever is at the other end. */
  greet(socket: Socket, stranger: Stranger): void {
    const { limits, log } = this.#shared;
    let hearer: Hearer | undefined;
    const link: Link = new Link(socket, limits.greetingBytesMax - FRAME_HEADER_BYTES, {
      onPreamble: (version) => {
        if (version === PROTOCOL_VERSION) return;
        hearer = NOBODY_HEARS;
        log.warn('version', { theirs: version, ours: PROTOCOL_VERSION }, 'refused a connection: another version');
        link.finish(versionMismatch(version).reason, [PREAMBLE]);
      },
      onFrame: (kind, body) => {
        if (hearer !== undefined) return hearer.hear(kind, body);
        if (kind !== KIND.hello) throw new MalformedError(`a frame of kind ${kind} instead of a hello`);
        hearer = this.#answer(link, decodeHello(body), stranger);
      },
      onClose: ({ why }) => {
        this.#links.delete(link);
        if (hearer === undefined) log.warn('stranger', { why }, 'a connection ended before it was known who made it');
        else hearer.closed(why);
      },
    });
    this.#links.add(link);
  }

  /** Asks the member again whether it will have those who are connected. */
  judgeAgain(): void {
    for (const [id, { link, greeting }] of this.#connections) {
      const refused = this.#shared.handler.accept(greeting);
      if (refused === undefined) continue;
      this.#connections.delete(id);
      this.#refuse(link, id, refused, []);
    }
  }

  /** Ends all of them, at once. */
  close(why: string): void {
    for (const receiver of this.#receivers.values()) receiver.abort(why);
    for (const link of this.#links) link.abandon(why);
  }

  #answer(link: Link, hello: Hello, stranger: Stranger): Hearer {
    const { handler, limits, greeting, pulse } = this.#shared;
    const { memberId } = hello.greeting;
    if (hello.purpose === 'members') {
      const members = handler.members();
      const answer = encodeFrame(KIND.members, members.length, (writer) => writer.raw(members));
      link.finish('it was told the members', [PREAMBLE, answer]);
      return NOBODY_HEARS;
    }
    const refused = this.#judge(hello);
    if (refused !== undefined) {
      this.#refuse(link, memberId, refused, [PREAMBLE]);
      return NOBODY_HEARS;
    }
    stranger.introduced();
    pulse.add(link);
    link.unref();
    link.admit(limits.frameBytesMax - FRAME_HEADER_BYTES);
    link.write([PREAMBLE, encodeWelcome(greeting)]);
    if (hello.purpose === 'messages') return this.#hearMessages(link, hello.greeting);
    return this.#hearSnapshot(link, memberId);
  }

  #judge({ greeting, target }: Hello): Refused | undefined {
    const { handler, greeting: ours } = this.#shared;
    const refused = handler.accept(greeting);
    if (refused !== undefined) return refused;
    if (greeting.memberId === ours.memberId) {
      return { code: 'wrongMember', reason: `both ends say that they are member ${hex(ours.memberId)}` };
    }
    if (target === ours.memberId) return undefined;
    return { code: 'wrongMember', reason: `this is member ${hex(ours.memberId)}, not member ${hex(target)}` };
  }

  #refuse(link: Link, member: MemberId, refused: Refused, before: readonly Buffer[]): void {
    this.#shared.log.warn(hex(member), { member: hex(member), ...refused }, 'refused the connection of a member');
    link.finish(refused.reason, [...before, encodeRefused(refused)]);
  }

  #hearMessages(link: Link, greeting: Greeting): Hearer {
    const { handler, greeting: ours, log } = this.#shared;
    const from = greeting.memberId;
    // The older one is dead and only we do not know yet, or else the other end would not have made a new one.
    this.#connections.get(from)?.link.destroy('a newer connection replaced it');
    this.#connections.set(from, { link, greeting });
    return {
      hear: (kind, body) => {
        if (kind === KIND.messages) return handler.onMessages(from, readMessages(body, from, ours.memberId));
        if (kind !== KIND.refused) throw new MalformedError(`a frame of kind ${kind} where messages are sent`);
        const refused = decodeRefused(body);
        link.destroy(refused.reason);
        handler.onRefused(from, refused);
      },
      closed: (why) => {
        if (this.#connections.get(from)?.link === link) this.#connections.delete(from);
        log.warn(hex(from), { member: hex(from), why }, 'the connection of a member ended');
      },
    };
  }

  #hearSnapshot(link: Link, from: MemberId): Hearer {
    let hearer: Hearer | undefined;
    return {
      hear: (kind, body) => {
        if (hearer !== undefined) return hearer.hear(kind, body);
        if (kind === KIND.refused) return this.#shared.handler.onRefused(from, decodeRefused(body));
        if (kind !== KIND.announcement) throw new MalformedError(`a frame of kind ${kind} instead of an announcement`);
        hearer = this.#receive(link, from, readAnnouncement(body, from, this.#shared.greeting.memberId));
      },
      closed: (why) => hearer?.closed(why),
    };
  }

  #receive(link: Link, from: MemberId, announcement: InstallSnapshotRequest): Hearer {
    const { snapshotsMax } = this.#shared.limits;
    const older = this.#receivers.get(from);
    if (older !== undefined) {
      // Never two of one sender. It has given up the older one, of which the member hears now.
      older.abort('the same member sends another snapshot');
      return this.#turnAway(link, 'it has not done with an earlier snapshot yet');
    }
    if (this.#receivers.size >= snapshotsMax)
      return this.#turnAway(link, `it receives ${snapshotsMax} snapshots already`);
    const receiver = new SnapshotReceiver(link, from, announcement, this.#shared);
    this.#receivers.set(from, receiver);
    void receiver.settled.then(() => this.#receivers.delete(from));
    return receiver;
  }

  /** The sender closes when it has heard. If we did, what it still sends would drown the answer. */
  #turnAway(link: Link, reason: string): Hearer {
    const { clock, limits } = this.#shared;
    link.write([encodeVerdict({ isTaken: false, reason })]);
    const timer = clock.after(limits.greetingTimeoutMs, () => link.destroy(reason));
    return { hear: () => {}, closed: () => timer.cancel() };
  }
}

const NOBODY_HEARS: Hearer = { hear: () => {}, closed: () => {} };
