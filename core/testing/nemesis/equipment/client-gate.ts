import { type Direction, OPEN } from '../../cluster/tcp-pipe.js';
import { PeerGate } from '../../cluster/peer-gate.js';

const SILENT: Direction = { isSilent: true, delayMs: 0 };
const CLIENT = 'client';
const MEMBER = 'member';

/** A way between one client and one member, on which answers can be held back, and everything cut. */
export class ClientGate {
  readonly url: string;
  readonly #gate: PeerGate;
  readonly #state: { there: Direction; back: Direction };

  private constructor(gate: PeerGate, state: { there: Direction; back: Direction }) {
    this.#gate = gate;
    this.#state = state;
    this.url = `http://127.0.0.1:${gate.port}`;
  }

  /** @param clientUrl - where the member serves */
  static async open(clientUrl: string): Promise<ClientGate> {
    const state = { there: OPEN, back: OPEN };
    const rules = {
      dialer: () => CLIENT,
      direction: (from?: string) => (from === CLIENT ? state.there : state.back),
      isRefused: () => false,
    };
    const targetPort = Number(new URL(clientUrl).port);
    return new ClientGate(await PeerGate.open(MEMBER, { port: 0, targetPort, rules }), state);
  }

  /** Requests get through, answers do not. */
  holdAnswers(): void {
    this.#state.back = SILENT;
    this.#gate.update();
  }

  /** Nothing gets through on the connections there are, and nobody is told; new ones are taken, and get no answer. */
  halfOpen(): void {
    this.#gate.halfOpen(CLIENT);
    this.#state.there = SILENT;
    this.#state.back = SILENT;
  }

  /** Connections break, with what was held back. */
  break(): void {
    this.#gate.reset(CLIENT);
  }

  /** From now on new connections work. */
  heal(): void {
    Object.assign(this.#state, { there: OPEN, back: OPEN });
    this.#gate.update();
  }

  close(): Promise<void> {
    return this.#gate.shut();
  }
}
