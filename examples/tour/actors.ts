import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Something an actor tells the director, or the director an actor: its kind and whatever belongs to it. */
export interface Message {
  readonly kind: string;
  readonly [detail: string]: unknown;
}

const LEAVE_MS = 1_000;
const POLL_MS = 50;

/**
 * A process that plays in the tour: the one that holds the store, or a worker. The director forked it, speaks with it in
 * messages, may kill or stop it, and sees to it that it is gone at the end.
 */
export class Actor {
  readonly #process: ChildProcess;
  readonly #inbox: Message[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly name: string,
    child: ChildProcess,
  ) {
    this.#process = child;
    child.on('message', (message) => {
      this.#inbox.push(message as Message);
      this.#wakeAll();
    });
    child.on('exit', () => this.#wakeAll());
  }

  static fork(name: string, program: string, args: readonly string[]): Actor {
    const path = fileURLToPath(new URL(program, import.meta.url));
    return new Actor(name, fork(path, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  tell(message: Message): void {
    if (this.#process.connected) this.#process.send(message);
  }

  /** The next message of this kind, from those that came already or within the time. Others are kept. */
  async hear(kind: string, withinMs: number): Promise<Message> {
    const giveUpAt = performance.now() + withinMs;
    for (;;) {
      const index = this.#inbox.findIndex((message) => message.kind === kind);
      if (index >= 0) return this.#inbox.splice(index, 1)[0] as Message;
      const failed = this.#inbox.find((message) => message.kind === 'failed');
      if (failed) throw new Error(`${this.name} failed: ${String(failed['error'])}`);
      if (this.isGone) throw new Error(`${this.name} ended before it said "${kind}"`);
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) throw new Error(`${this.name} did not say "${kind}" within ${withinMs} ms`);
      await this.#somethingHappens(leftMs);
    }
  }

  /** The first of these actors to say something of this kind, and what. */
  static async firstToSay(actors: readonly Actor[], kind: string, withinMs: number): Promise<[Actor, Message]> {
    const giveUpAt = performance.now() + withinMs;
    while (performance.now() < giveUpAt) {
      for (const actor of actors) {
        const [message] = actor.heard(kind);
        if (message) return [actor, message];
      }
      await Promise.race(actors.map((actor) => actor.#somethingHappens(POLL_MS)));
    }
    throw new Error(`nobody said "${kind}" within ${withinMs} ms`);
  }

  /** Takes all messages of this kind that have come so far. */
  heard(kind: string): Message[] {
    const matching = this.#inbox.filter((message) => message.kind === kind);
    this.#inbox.splice(0, this.#inbox.length, ...this.#inbox.filter((message) => message.kind !== kind));
    return matching;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  /** Asks it to leave; after a second it is killed. */
  async leave(): Promise<void> {
    if (this.isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    const patience = setTimeout(() => this.#process.kill('SIGKILL'), LEAVE_MS);
    await gone;
    clearTimeout(patience);
  }

  /** Ends it at once, as a power cut would, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.isGone) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  #somethingHappens(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      this.#waiting.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
