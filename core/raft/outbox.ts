import type { Message } from './types.js';

interface Deferred {
  readonly message: Message;
  /** It is true once the log is durable up to here, and term and vote as they are. */
  readonly index: number;
}

/** The messages that wait to be sent: those that are true already, and those that are only once something is durable. */
export class Outbox {
  #now: Message[] = [];
  #deferred: Deferred[] = [];

  get hasMessages(): boolean {
    return this.#now.length > 0;
  }

  /** To be sent at once. */
  send(message: Message): void {
    this.#now.push(message);
  }

  /**
   * To be sent once it is true. Of two of a kind to the same member only the later one is kept, so that they do not pile
   * up behind a slow disk; of two acknowledgements, the one that acknowledges more.
   */
  defer(deferred: Deferred): void {
    const { type, to } = deferred.message;
    const at = this.#deferred.findIndex(({ message }) => message.type === type && message.to === to);
    if (at < 0) this.#deferred.push(deferred);
    else if (!acknowledgesMore(this.#deferred[at] as Deferred, deferred)) this.#deferred[at] = deferred;
  }

  /** Lets go of what has become true. */
  release(isTrue: (index: number) => boolean): void {
    if (this.#deferred.length === 0) return;
    for (const { message, index } of this.#deferred) if (isTrue(index)) this.#now.push(message);
    this.#deferred = this.#deferred.filter(({ index }) => !isTrue(index));
  }

  /** Forgets what was deferred: it belonged to a term that has ended, and nobody waits for it any more. */
  dropDeferred(): void {
    this.#deferred = [];
  }

  takeNow(): readonly Message[] {
    if (this.#now.length === 0) return NO_MESSAGES;
    const taken = this.#now;
    this.#now = [];
    return taken;
  }

  takeDeferred(): readonly Message[] {
    if (this.#deferred.length === 0) return NO_MESSAGES;
    const taken = this.#deferred.map(({ message }) => message);
    this.#deferred = [];
    return taken;
  }
}

function acknowledgesMore({ message: a }: Deferred, { message: b }: Deferred): boolean {
  if (a.type !== 'appendEntriesAnswer' || b.type !== 'appendEntriesAnswer') return false;
  return a.accepted && b.accepted && a.matchedIndex > b.matchedIndex;
}

const NO_MESSAGES: readonly Message[] = [];
