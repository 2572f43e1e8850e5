import type { PeerMessage, PeerTransport } from '../peer/types.js';
import type { MemberId } from '../raft/types.js';

/** Where messages wait for the end of a turn, so that all of it leaves in one frame for each member. */
export class Outbox {
  readonly #waiting = new Map<MemberId, PeerMessage[]>();
  readonly #transport: () => PeerTransport | undefined;

  /** @param transport - while there is none, messages are lost, as on any network */
  constructor(transport: () => PeerTransport | undefined) {
    this.#transport = transport;
  }

  add(to: MemberId, message: PeerMessage): void {
    const messages = this.#waiting.get(to);
    if (messages === undefined) this.#waiting.set(to, [message]);
    else messages.push(message);
  }

  flush(): void {
    if (this.#waiting.size === 0) return;
    const transport = this.#transport();
    for (const [to, messages] of this.#waiting) transport?.send(to, messages);
    this.#waiting.clear();
  }
}
