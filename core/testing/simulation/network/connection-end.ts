import type { Life } from '../process/virtual-process.js';
import type { Link } from './link.js';

/** Why a connection ended. */
export type EndReason = 'closed' | 'reset';

/** Who hears of what comes over a connection. Everything is told from inside the process whose end it is. */
export interface EndEvents {
  onReceive(payload: unknown): void;
  /** Once: the other end closed it, or it broke. Not told to who closes it. */
  onClose(reason: EndReason): void;
}

/** What travels: the word that a connection was made, what is said over it, and that it is over. */
interface Packet {
  readonly number: number;
  readonly kind: 'accept' | 'data' | 'close';
  readonly payload: unknown;
}

/** How long a lost packet takes to be sent again, doubling as it is lost again (RFC 6298: at least a second; Linux: 200 ms). */
const RETRANSMIT_US = 200_000;
const RETRANSMIT_MAX_US = 1_000_000;
/** The share of losses that break the connection, as where a middlebox forgets it. */
const BREAK_SHARE = 0.1;

const NOBODY: EndEvents = { onReceive: () => undefined, onClose: () => undefined };

/**
 * One end of a connection, as TCP makes it: what is sent arrives once and in order, or the connection breaks. A lost packet
 * is sent again, later, and holds up those behind it. What meets a link that lets nothing through is sent again when that
 * is over, if both ends still hold on to the connection by then.
 */
export class ConnectionEnd {
  readonly life: Life;
  /** The way from here to the other end. */
  readonly link: Link;
  readonly #onDone: (end: ConnectionEnd) => void;
  events: EndEvents = NOBODY;
  /** Undefined: behind a link that only seems to connect there is nobody. */
  other: ConnectionEnd | undefined;
  #isOpen = true;
  #sent = 0;
  /** Sent, and not let through. */
  #heldBack: Packet[] = [];
  #heldSinceUs = 0;
  /** What arrived from the other end before what was sent earlier. */
  readonly #early = new Map<number, Packet>();
  #received = 0;

  /** @param onDone - called when it is of no more use */
  constructor(life: Life, link: Link, onDone: (end: ConnectionEnd) => void) {
    this.life = life;
    this.link = link;
    this.#onDone = onDone;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Tells the other end that there is a connection. */
  accepted(): void {
    this.#transmit('accept', undefined);
  }

  /** Nothing is sent once it is closed, or its process has ended. */
  send(payload: unknown): void {
    if (this.#isOpen && this.life.isAlive) this.#transmit('data', payload);
  }

  /** Closes it. What was sent still arrives; what arrives here does not. */
  close(): void {
    if (!this.#isOpen) return;
    this.#transmit('close', undefined);
    this.#forget();
  }

  /** Its machine lost power: not a word more comes from here. */
  vanish(): void {
    this.#heldBack = [];
    this.#forget();
  }

  /** It broke: both ends learn of it, each in its time. */
  break(): void {
    this.resetSoon();
    this.other?.resetSoon();
  }

  /** This end learns that the connection is gone. */
  resetSoon(): void {
    const { scheduler, lane } = this.life;
    scheduler.schedule(scheduler.nowUs + this.link.drawDelayUs(), lane, () =>
      this.life.enter(() => this.#ended('reset')),
    );
  }

  /** The link has changed: sends again what it held back, or breaks. */
  linkChanged(): void {
    if (this.link.mode === 'refuse') {
      this.link.feltMode();
      return this.break();
    }
    if (!this.link.passes) return;
    if (this.other === undefined) return this.resetSoon();
    const { scheduler } = this.life;
    // Whoever sends doubles its pauses, so that it may notice late that the way is free.
    const outageUs = Math.min(scheduler.nowUs - this.#heldSinceUs, RETRANSMIT_MAX_US);
    const delayUs = this.link.drawUpTo(outageUs);
    for (const packet of this.#heldBack.splice(0)) this.#carry(packet, delayUs);
    if (!this.#isOpen) this.#onDone(this);
  }

  #transmit(kind: Packet['kind'], payload: unknown): void {
    const packet = { number: this.#sent, kind, payload };
    this.#sent += 1;
    if (!this.link.passes || this.other === undefined) return this.#holdBack(packet);
    this.#carry(packet, this.#lossUs());
  }

  /** How much later a packet arrives because it was lost; losing it may cost the connection. */
  #lossUs(): number {
    const { link } = this;
    if (!link.isFifo || !link.draws(link.loss)) return 0;
    link.felt('loss');
    if (link.draws(BREAK_SHARE)) {
      link.felt('broken connection');
      this.break();
    }
    let lossUs = RETRANSMIT_US;
    for (let againUs = 2 * lossUs; againUs <= RETRANSMIT_MAX_US && link.draws(link.loss); againUs *= 2)
      lossUs += againUs;
    return lossUs;
  }

  #carry(packet: Packet, extraUs: number): void {
    const { scheduler } = this.life;
    const atUs = scheduler.nowUs + this.link.drawDelayUs() + extraUs;
    this.#arriveAt(Math.max(atUs, this.link.isClogged ? this.link.clogEndUs : 0), packet);
  }

  #arriveAt(atUs: number, packet: Packet): void {
    const receiver = this.other as ConnectionEnd;
    this.life.scheduler.schedule(atUs, receiver.life.lane, () => this.#arrives(packet, receiver));
  }

  /** At the other end's machine. */
  #arrives(packet: Packet, receiver: ConnectionEnd): void {
    if (!this.link.passes) return this.#holdBack(packet);
    if (this.link.isClogged) {
      this.link.feltClog();
      return this.#arriveAt(this.link.clogEndUs, packet);
    }
    receiver.#receive(packet);
  }

  #holdBack(packet: Packet): void {
    this.link.feltMode();
    if (this.#heldBack.length === 0) this.#heldSinceUs = this.life.scheduler.nowUs;
    this.#heldBack.push(packet);
  }

  #receive(packet: Packet): void {
    if (packet.number !== this.#received) {
      this.#early.set(packet.number, packet);
      return;
    }
    for (let next: Packet | undefined = packet; next !== undefined; next = this.#early.get(this.#received)) {
      this.#early.delete(this.#received);
      this.#received += 1;
      this.#take(next);
    }
  }

  #take({ kind, payload }: Packet): void {
    const { life } = this;
    if (!life.isAlive || !this.#isOpen) {
      // A machine that has power, and knows nothing of the connection, says so.
      if (kind !== 'close' && life.process.isPowered && this.link.passes) this.other?.resetSoon();
      return;
    }
    life.enter(() => {
      if (!this.#isOpen) return;
      if (kind === 'data') this.events.onReceive(payload);
      else if (kind === 'close') this.#ended('closed');
      else this.onAccepted();
    });
  }

  /** For whoever listens: called when it is certain that there is a connection. */
  onAccepted: () => void = () => undefined;

  #ended(reason: EndReason): void {
    if (!this.#isOpen) return;
    this.#heldBack = [];
    this.#forget();
    this.events.onClose(reason);
  }

  #forget(): void {
    this.#isOpen = false;
    this.#early.clear();
    // What the process said last is sent again by its machine, although the process does not care any more.
    if (this.#heldBack.length === 0) this.#onDone(this);
  }
}
