import type { Timer } from '../base/clock.js';
import type { MemberId } from '../raft/types.js';
import { dial, type DialFailure } from './dial.js';
import { FRAME_HEADER_BYTES, KIND } from './frame.js';
import { decodeRefused, decodeWelcome, encodeHello } from './greeting.js';
import type { Link, LinkEnd } from './link.js';
import { framesOf } from './message-frames.js';
import { SendQueue } from './send-queue.js';
import { hex, judgeWelcome, type Surroundings } from './surroundings.js';
import type { PeerMessage, Refused } from './types.js';
import { MalformedError } from './wire-reader.js';

/** Who hears of what becomes of an outgoing connection. */
export interface OutgoingEvents {
  /** There are frames to flush at the end of this turn of the event loop. */
  onPending(peer: OutgoingPeer): void;
  /** Frames were dropped, or the connection broke. */
  onLost(id: MemberId): void;
}

/** The connection over which we send to one other member. It is dialled for as long as the member is one. */
export class OutgoingPeer {
  readonly id: MemberId;
  readonly #shared: Surroundings;
  readonly #events: OutgoingEvents;
  readonly #hello: Buffer;
  #urls: readonly string[];
  /** Which URL is in use, or is tried next. */
  #at = 0;
  #link: Link | undefined;
  #queue: SendQueue | undefined;
  #connectedMs = 0;
  #cancelDial: () => void = () => {};
  #retry: Timer | undefined;
  /** Of the present round over all URLs: how many were tried, and at how many nobody listened. */
  #tried = 0;
  #closedPorts = 0;
  #failedRounds = 0;
  /** An established connection broke, and it is not known yet whether the process behind it lives. */
  #isMissed = false;
  /** It is the member that we serve who will not have the one at the other end, not the other way round. */
  #isOurDecision = false;
  #redialledMs = -Infinity;
  #isClosed = false;

  constructor(id: MemberId, urls: readonly string[], shared: Surroundings, events: OutgoingEvents) {
    this.id = id;
    this.#urls = urls;
    this.#shared = shared;
    this.#events = events;
    this.#hello = encodeHello({ purpose: 'messages', greeting: shared.greeting, target: id });
    this.#startRound();
  }

  /** Where it is, or was last looked for. */
  get url(): string | undefined {
    return this.#urls[this.#at];
  }

  /** Since when it is connected; undefined if it is not. */
  get connectedSince(): number | undefined {
    return this.#link === undefined ? undefined : this.#connectedMs;
  }

  send(messages: readonly PeerMessage[]): void {
    const frames = this.#queue === undefined ? undefined : framesOf(messages, this.#shared.limits.frameBytesMax);
    const isQueued = frames?.every((frame) => this.#queue?.push(frame));
    if (isQueued !== true) this.#events.onLost(this.id);
    if (frames !== undefined) this.#events.onPending(this);
  }

  /** Writes what was sent in this turn. */
  flush(): void {
    this.#queue?.flush();
  }

  /** Goes on with other URLs. A connection to one that is still among them stays. */
  moveTo(urls: readonly string[]): void {
    if (urls.length === this.#urls.length && urls.every((url, at) => url === this.#urls[at])) return;
    const kept = this.#link === undefined ? -1 : urls.indexOf(this.url as string);
    this.#urls = urls;
    this.#at = Math.max(0, kept);
    if (kept >= 0) return;
    this.#letGo('it moved');
    this.#failedRounds = 0;
    this.#startRound();
  }

  /**
   * Lets what was sent leave, then closes. Nothing is dialled any more.
   *
   * @returns the connection that closes, if there is one
   */
  close(): Link | undefined {
    this.#isClosed = true;
    this.flush();
    return this.#letGo('it is not wanted any more');
  }

  #letGo(why: string): Link | undefined {
    this.#retry?.cancel();
    const link = this.#link;
    this.#link = undefined;
    this.#queue = undefined;
    link?.finish(why);
    this.#cancelDial();
    return link;
  }

  #startRound(): void {
    this.#tried = 0;
    this.#closedPorts = 0;
    this.#dial();
  }

  #dial(): void {
    const url = this.url;
    // The member may have let go of this peer while it was told of a failure.
    if (url === undefined || this.#isClosed) return;
    const { sockets, tls, clock, limits } = this.#shared;
    this.#isOurDecision = false;
    this.#cancelDial = dial({
      url,
      sockets,
      tls,
      hello: this.#hello,
      clock,
      limits,
      isHeld: false,
      judge: (kind, body) => this.#judge(kind, body),
      onOpen: (link) => this.#opened(link),
      onFrame: (kind, body) => this.#heard(kind, body),
      onClose: (end) => this.#closed(end),
      onFailure: (failure) => this.#failed(failure),
    });
  }

  #judge(kind: number, body: Buffer): Refused | undefined {
    if (kind !== KIND.welcome) throw new MalformedError(`a frame of kind ${kind} instead of a welcome`);
    const refused = judgeWelcome(decodeWelcome(body), this.id, this.#shared.handler);
    this.#isOurDecision = refused !== undefined && refused.code !== 'wrongMember';
    return refused;
  }

  #opened(link: Link): void {
    const { limits, clock, pulse, log } = this.#shared;
    link.admit(limits.greetingBytesMax - FRAME_HEADER_BYTES);
    pulse.add(link);
    this.#link = link;
    this.#queue = new SendQueue(link, limits);
    this.#connectedMs = clock.now();
    this.#isMissed = false;
    log.info(hex(this.id), { member: hex(this.id) }, 'connected to a member');
  }

  /** On this connection the other end only lives, or changes its mind about us. */
  #heard(kind: number, body: Buffer): void {
    if (kind !== KIND.refused) throw new MalformedError(`a frame of kind ${kind} where we send`);
    const refused = decodeRefused(body);
    this.#link?.destroy(refused.reason);
    this.#refused(refused);
  }

  #closed(end: LinkEnd): void {
    const { clock, limits, log } = this.#shared;
    this.#link = undefined;
    this.#queue = undefined;
    this.#isMissed = true;
    log.warn(hex(this.id), { member: hex(this.id), why: end.why }, 'the connection to a member broke');
    this.#events.onLost(this.id);
    const nowMs = clock.now();
    if (nowMs - this.#connectedMs >= limits.backoffMaxMs) this.#failedRounds = 0;
    // At once, for what comes of it tells whether the process ended; but not again and again, for two members that take
    // each other for one would otherwise throw each other out as fast as they can.
    if (nowMs - this.#redialledMs < limits.backoffMaxMs) return this.#wait();
    this.#redialledMs = nowMs;
    this.#startRound();
  }

  #failed(failure: DialFailure): void {
    this.#at = (this.#at + 1) % this.#urls.length;
    this.#tried += 1;
    if (failure.isPortClosed) this.#closedPorts += 1;
    if (failure.refused !== undefined) this.#refused(failure.refused);
    else this.#shared.log.warn(hex(this.id), { member: hex(this.id), why: failure.why }, 'a member cannot be reached');
    if (this.#tried < this.#urls.length) return this.#dial();
    if (!this.#isClosed && this.#isMissed && this.#closedPorts === this.#tried) {
      this.#isMissed = false;
      this.#shared.handler.onGone(this.id);
    }
    this.#wait();
  }

  #refused(refused: Refused): void {
    const { handler, log } = this.#shared;
    log.warn(hex(this.id), { member: hex(this.id), ...refused }, 'a member and this one do not talk to each other');
    this.#failedRounds = Infinity;
    // A member that took its own word for another's would leave its cluster because it met one that was removed.
    if (!this.#isOurDecision) handler.onRefused(this.id, refused);
  }

  /** Waits for the next round: exponentially longer, and never in step with other members. */
  #wait(): void {
    if (this.#isClosed) return;
    const { clock, prng, limits } = this.#shared;
    const longestMs = Math.min(limits.backoffMaxMs, limits.backoffMinMs * 2 ** this.#failedRounds);
    this.#failedRounds += 1;
    this.#retry = clock.after(longestMs * (0.5 + prng.next() / 2), () => this.#startRound());
  }
}
