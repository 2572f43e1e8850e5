import type { Prng } from '../../../base/prng.js';
import type { Life, VirtualProcess } from '../process/virtual-process.js';
import type { Scheduler } from '../scheduler.js';
import { ConnectionEnd } from './connection-end.js';
import { Link, type LinkConditions, type LinkEvents } from './link.js';

/** How long the machine of whoever connects waits before it knocks again (RFC 6298: a second). */
const KNOCK_AGAIN_US = 1_000_000;

/** Who hears how an attempt to connect went, from inside the process that made it. */
export interface ConnectEvents {
  onOpen(end: ConnectionEnd): void;
  /** A machine answered that nobody listens there. */
  onRefused(): void;
}

interface Listener {
  readonly life: Life;
  readonly onConnection: (end: ConnectionEnd, from: string) => void;
  isListening: boolean;
}

/** What the network asks of its world. */
export interface NetworkHome {
  readonly scheduler: Scheduler;
  chance(name: string): Prng;
  onEffect(kind: string): void;
}

/**
 * The network of a world. Every process has a machine of its own, named like it; whoever listens does so at `name:port`.
 * Each direction between two machines is a {@link Link}, on which faults are set.
 */
export class VirtualNetwork implements LinkEvents {
  readonly #home: NetworkHome;
  readonly #conditions: LinkConditions;
  readonly #processes = new Map<string, VirtualProcess>();
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Map<string, Listener>();
  /** What sends over a link. */
  readonly #ends = new Map<Link, Set<ConnectionEnd>>();

  constructor(home: NetworkHome, conditions: LinkConditions) {
    this.#home = home;
    this.#conditions = conditions;
  }

  /** The way from one process to another, as it is and as it can be made. */
  link(from: string, to: string): Link {
    const key = `${from}>${to}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link(from, to, this.#conditions, this.#home.chance(`link ${key}`), this);
      this.#links.set(key, link);
    }
    return link;
  }

  /** Cuts the way between two processes, both ways. */
  cut(one: string, other: string): void {
    this.link(one, other).mode = 'cut';
    this.link(other, one).mode = 'cut';
  }

  /** Lets two processes hear each other again; without arguments, everything is in good order again. */
  heal(one?: string, other?: string): void {
    if (one === undefined || other === undefined) for (const link of this.#links.values()) link.heal();
    else for (const link of [this.link(one, other), this.link(other, one)]) link.heal();
  }

  /** Cuts a process off from others: from all, if they are not named. */
  isolate(name: string, others: Iterable<string> = this.#processes.keys()): void {
    for (const other of others) if (other !== name) this.cut(name, other);
  }

  /** Cuts every way from one group to another. Who is in no group can talk to everybody. */
  partition(...groups: readonly (readonly string[])[]): void {
    groups.forEach((group, i) => {
      for (const one of group) for (const other of groups.slice(i + 1).flat()) this.cut(one, other);
    });
  }

  // --- What processes ask -------------------------------------------------------------------------------------------

  /** For the world: a process that may come and go. */
  add(process: VirtualProcess): void {
    this.#processes.set(process.name, process);
  }

  /**
   * Listens on a port of a process's machine until it is told not to, or the process ends.
   *
   * @returns ends it; undefined if somebody listens there already
   */
  listen(life: Life, port: number, onConnection: Listener['onConnection']): (() => void) | undefined {
    const address = addressOf(life.process.name, port);
    if (this.#listeners.get(address)?.life.isAlive === true) return undefined;
    const listener = { life, onConnection, isListening: true };
    this.#listeners.set(address, listener);
    return () => {
      listener.isListening = false;
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
    };
  }

  /**
   * Connects to whoever listens at an address. Where nothing answers, nothing is heard of it, until it is given up.
   *
   * @returns gives it up
   */
  connect(life: Life, to: { readonly host: string; readonly port: number }, events: ConnectEvents): () => void {
    let isOver = false;
    const { scheduler, lane } = life;
    const later = (delayUs: number, callback: () => void) =>
      scheduler.schedule(scheduler.nowUs + delayUs, lane, () => {
        if (!isOver && life.isAlive) callback();
      });
    const settle = (callback: () => void) => () =>
      life.enter(() => {
        if (isOver) return;
        isOver = true;
        callback();
      });
    const [out, back] = [this.link(life.process.name, to.host), this.link(to.host, life.process.name)];
    const knock = () => {
      const roundTripUs = out.drawDelayUs() + back.drawDelayUs();
      const answer = this.#answerTo(to, out, back);
      if (answer === 'silence') later(KNOCK_AGAIN_US, knock);
      else if (answer === 'refusal')
        later(
          roundTripUs,
          settle(() => events.onRefused()),
        );
      else
        later(
          roundTripUs,
          settle(() => events.onOpen(this.#join(life, answer, out, back))),
        );
    };
    knock();
    return () => void (isOver = true);
  }

  /** For the world: a process has ended. Its machine closes its connections, unless it has lost its power. */
  ended(life: Life): void {
    const ends = [...this.#ends.values()].flatMap((all) => [...all]).filter((end) => end.life === life);
    for (const end of ends) {
      if (life.process.isPowered) end.close();
      else end.vanish();
    }
  }

  // --- Links ----------------------------------------------------------------------------------------------------------

  nowUs(): number {
    return this.#home.scheduler.nowUs;
  }

  onEffect(kind: string): void {
    this.#home.onEffect(kind);
  }

  onChange(link: Link): void {
    for (const end of [...(this.#ends.get(link) ?? [])]) end.linkChanged();
  }

  /** What a machine answers to whoever knocks: an end for whoever listens, or for nobody where it only seems so. */
  #answerTo(
    { host, port }: { readonly host: string; readonly port: number },
    out: Link,
    back: Link,
  ): Listener | 'nobody' | 'refusal' | 'silence' {
    const felt = [out, back].find(({ passes }) => !passes);
    felt?.feltMode();
    if (out.mode === 'refuse' || back.mode === 'refuse') return 'refusal';
    if (out.mode === 'cut' || back.mode === 'cut') return 'silence';
    if (felt !== undefined) return 'nobody';
    const clogged = [out, back].find(({ isClogged }) => isClogged);
    clogged?.feltClog();
    const process = this.#processes.get(host);
    // A name that nobody has is not found at once.
    if (process === undefined) return 'refusal';
    if (clogged !== undefined || !process.isPowered) return 'silence';
    const listener = this.#listeners.get(addressOf(host, port));
    return listener?.life.isAlive === true ? listener : 'refusal';
  }

  #join(life: Life, answer: Listener | 'nobody', out: Link, back: Link): ConnectionEnd {
    const near = this.#end(life, out);
    if (answer === 'nobody') return near;
    const far = this.#end(answer.life, back);
    near.other = far;
    far.other = near;
    far.onAccepted = () => {
      if (answer.isListening) answer.onConnection(far, life.process.name);
      else far.close();
    };
    near.accepted();
    return near;
  }

  #end(life: Life, link: Link): ConnectionEnd {
    const ends = this.#ends.get(link) ?? new Set();
    this.#ends.set(link, ends);
    const end = new ConnectionEnd(life, link, () => void ends.delete(end));
    ends.add(end);
    return end;
  }
}

function addressOf(host: string, port: number): string {
  return `${host}:${port}`;
}
